// The items of a run with their features, kept in model/: in a file of their own, or in the one that negatives need.
//
//   items.bytes, items.offsets     the items' keys
//   items.counts                   their events in the training part
//   templates.ids[, .indptr, .values]   a row of features an item: its own and those of the columns that go with it

import type { ItemCatalogue } from "../dataset/item-catalogue.js";
import type { Preprocess } from "../dataset/preprocess.js";
import type { Run } from "../embedding/run-directory.js";
import { readSafetensors, safetensorsChunks, type Tensor } from "../embedding/safetensors.js";
import { ArtifactError } from "../errors.js";
import type { Dictionary } from "../log/dictionary.js";

const FILE = "items.safetensors";
export const NEGATIVES_FILE = "negatives.safetensors";

/** A tensor by name. */
type Get = (name: string) => Tensor["data"];

/** A file's tensors by name. @throws {ArtifactError} damaged; `get` throws it when there is none of that name */
export async function tensorsOf(
  run: Run,
  file: string,
): Promise<{ get: Get; has: (name: string) => boolean }> {
  const tensors = readSafetensors(await run.readModelFile(file), file);
  const get: Get = (name) => {
    const found = tensors.get(name);
    if (!found)
      throw new ArtifactError(`'${file}' of run '${run.path}' has no tensor '${name}': train again`);
    return found.data;
  };
  return { get, has: (name) => tensors.has(name) };
}

/** The catalogue as tensors. */
export function itemTensors({ items, counts, templates }: ItemCatalogue): [string, Tensor][] {
  const { ids, indptr, values } = templates;
  const arrays: [string, Tensor["data"]][] = [
    ["items.bytes", items.bytes],
    ["items.offsets", items.offsets],
    ["items.counts", counts],
    ["templates.ids", ids],
  ];
  if (indptr) arrays.push(["templates.indptr", indptr]);
  if (values) arrays.push(["templates.values", values]);
  return arrays.map(([name, data]) => [name, { shape: [data.length], data }]);
}

/** The catalogue as a file of model/, for a run without negatives. */
export function itemFiles(catalogue: ItemCatalogue): Record<string, readonly Uint8Array[]> {
  return { [FILE]: safetensorsChunks(new Map(itemTensors(catalogue))) };
}

/** Keys that were kept as bytes and offsets. */
export function dictionaryFrom(get: Get, name: string): Dictionary {
  const offsets = get(`${name}.offsets`) as Uint32Array;
  return { size: offsets.length - 1, bytes: get(`${name}.bytes`) as Uint8Array, offsets };
}

/** The catalogue from its tensors. */
export function itemsFrom({ get, has }: Awaited<ReturnType<typeof tensorsOf>>): ItemCatalogue {
  const items = dictionaryFrom(get, "items");
  const ids = get("templates.ids") as Uint32Array;
  return {
    items,
    counts: get("items.counts") as Uint32Array,
    templates: {
      numRows: items.size,
      width: has("templates.indptr") || items.size === 0 ? 0 : ids.length / items.size,
      ids,
      labels: new Float32Array(items.size),
      ...(has("templates.indptr") && { indptr: get("templates.indptr") as Uint32Array }),
      ...(has("templates.values") && { values: get("templates.values") as Float32Array }),
    },
  };
}

/** The items of a run; undefined for one that keeps none. @throws {ArtifactError} damaged */
export async function readItems(run: Run, { negatives }: Preprocess): Promise<ItemCatalogue | undefined> {
  const file = negatives ? NEGATIVES_FILE : FILE;
  if (!Object.hasOwn(run.manifest.files, `model/${file}`)) return undefined;
  return itemsFrom(await tensorsOf(run, file));
}
