// Reads and writes a run's items with their features: items.safetensors, or negatives.safetensors if negatives are
// sampled.
//
//   items.bytes, items.offsets     keys of the items
//   items.counts                   number of training events per item
//   templates.ids[, .indptr, .values]   one row of features per item: of the item, of the columns that it determines
//                                       and, with --item-neighbors, of its neighbors
//   fromNeighbors.ids, .indptr, .values only the features of the neighbors, for items whose other features come
//                                       from another table

import type { Keys } from "../../log/keys.js";
import type { ItemCatalogue } from "../../dataset/item-fields.js";
import { numFeaturesOf, type Preprocess } from "../../dataset/vocabulary/preprocess.js";
import type { FeatureRows } from "../../dataset/rows.js";
import type { Run } from "../../table/run-directory.js";
import { safetensorsChunks, TensorFile, type Tensor } from "../../table/safetensors.js";
import type { NegativeSource } from "../../dataset/sampling/negatives.js";

const FILE = "items.safetensors";
const FROM_NEIGHBORS = "fromNeighbors";
const NEGATIVES_FILE = "negatives.safetensors";

function itemTensors({ items, counts, templates, fromNeighbors }: ItemCatalogue): [string, Tensor][] {
  const arrays: [string, Tensor["data"]][] = [
    ["items.bytes", items.bytes],
    ["items.offsets", items.offsets],
    ["items.counts", counts],
    ...arraysOf("templates", templates),
    ...(fromNeighbors ? arraysOf(FROM_NEIGHBORS, fromNeighbors) : []),
  ];
  return arrays.map(([name, data]) => [name, { shape: [data.length], data }]);
}

function arraysOf(name: string, { ids, indptr, values }: FeatureRows): [string, Tensor["data"]][] {
  return [
    [`${name}.ids`, ids],
    ...(indptr ? [[`${name}.indptr`, indptr] satisfies [string, Tensor["data"]]] : []),
    ...(values ? [[`${name}.values`, values] satisfies [string, Tensor["data"]]] : []),
  ];
}

export function itemFiles(catalogue: ItemCatalogue): Record<string, readonly Uint8Array[]> {
  return { [FILE]: safetensorsChunks(new Map(itemTensors(catalogue))) };
}

function dictionaryFrom(tensors: TensorFile, name: string): Keys {
  const bytes = tensors.u8(`${name}.bytes`, [undefined]);
  const offsets = tensors.offsets(`${name}.offsets`, [undefined], bytes.length);
  return { size: offsets.length - 1, bytes, offsets };
}

function itemsFrom(tensors: TensorFile, numFeatures: number): ItemCatalogue {
  const items = dictionaryFrom(tensors, "items");
  const { size } = items;
  return {
    items,
    counts: tensors.u32("items.counts", [size]),
    templates: rowsFrom(tensors, "templates", size, numFeatures),
    ...(tensors.has(`${FROM_NEIGHBORS}.ids`) && {
      fromNeighbors: rowsFrom(tensors, FROM_NEIGHBORS, size, numFeatures),
    }),
  };
}

function rowsFrom(tensors: TensorFile, name: string, numRows: number, numFeatures: number): FeatureRows {
  const ids = tensors.ids(`${name}.ids`, [undefined], numFeatures);
  const indptr = tensors.has(`${name}.indptr`)
    ? tensors.offsets(`${name}.indptr`, [numRows + 1], ids.length)
    : undefined;
  if (!indptr && ids.length % Math.max(1, numRows) !== 0)
    tensors.fail(`${ids.length} features of ${numRows} items`);
  return {
    numRows,
    width: indptr || numRows === 0 ? 0 : ids.length / numRows,
    ids,
    labels: new Float32Array(numRows),
    indptr,
    ...(tensors.has(`${name}.values`) && { values: tensors.f32(`${name}.values`, [ids.length]) }),
  };
}

/** Reads the items of a run; undefined if it stores none. @throws {ArtifactError} damaged */
export async function readItems(run: Run, preprocess: Preprocess): Promise<ItemCatalogue | undefined> {
  const file = preprocess.negatives ? NEGATIVES_FILE : FILE;
  if (!Object.hasOwn(run.manifest.files, `model/${file}`)) return undefined;
  return itemsFrom(await TensorFile.of(run, file), numFeaturesOf(preprocess));
}

/** Returns the source of negatives as a file of model/. */
export function negativeFiles(source: NegativeSource): Record<string, readonly Uint8Array[]> {
  const { users, history } = source;
  const tensors = new Map<string, Tensor>(itemTensors(source));
  const put = (name: string, data: Tensor["data"]) => tensors.set(name, { shape: [data.length], data });
  put("users.bytes", users.bytes);
  put("users.offsets", users.offsets);
  put("history.indptr", history.indptr);
  put("history.items", history.items);
  return { [NEGATIVES_FILE]: safetensorsChunks(tensors) };
}

/** Reads a file that `negativeFiles` returned. @throws {ArtifactError} damaged */
export async function readNegatives(run: Run, preprocess: Preprocess): Promise<NegativeSource> {
  const tensors = await TensorFile.of(run, NEGATIVES_FILE);
  const catalogue = itemsFrom(tensors, numFeaturesOf(preprocess));
  const users = dictionaryFrom(tensors, "users");
  const items = tensors.ids("history.items", [undefined], catalogue.items.size);
  return {
    ...catalogue,
    users,
    history: { indptr: tensors.offsets("history.indptr", [users.size + 1], items.length), items },
  };
}
