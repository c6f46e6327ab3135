// Files of an EGES run, in addition to its tables of items and contexts.
//
//   table `side`                     a vector for each value of each side column
//   model/side-information.json      how rows are encoded as features of these columns, and the kinds of information
//   model/attention.safetensors      by row of the default table:
//     attention  f32[numItems, kinds]     inputs of the softmax
//     shares     f32[numItems, kinds]     outputs of the softmax: the share of each kind in an item; 0 for a kind that
//                                         the item lacks
//     own        f32[numItems, dim]       items' own vectors; the table has the composed ones
//   model/side-history.safetensors   when each side value was last seen, by row of the table `side`

import type { ExampleOptions } from "../../../training/shared-options/log.js";
import { ascending } from "../../../base/numeric/indices.js";
import { keyAt } from "../../../log/keys.js";
import {
  recipesOf,
  parsePreprocess,
  rolesShape,
  type FieldRecipe,
  type Preprocess,
} from "../../../dataset/vocabulary/preprocess.js";
import type { Roles, Dataset } from "../../../dataset/dataset.js";
import { featureSpace, type FeatureSpace } from "../../../dataset/vocabulary/vocabulary.js";
import { historyChunks, type KeyHistory } from "../../../table/key-history.js";
import type { EmbeddingTable } from "../../../table/table.js";
import { type Run, DEFAULT_TABLE } from "../../../table/run-directory.js";
import { safetensorsChunks, TensorFile } from "../../../table/safetensors.js";
import { sharesOf } from "../../../compute/kernels/sgns/parts.js";
import { anything, list, object, parseJson, text } from "../../../base/io/json-shape.js";
import { CONTEXT_TABLE, OPTIMIZER_FILE, rotationOf } from "../../shared/skip-grams/capabilities.js";
import {
  clearHistory,
  clearRows,
  byFeature,
  type AskedKeys,
  type ForgetTensors,
} from "../../../training/capabilities/forgetting/forgetting.js";
import { featureTable, spaceOf, tableFeatures } from "../../../training/examples/feature-table.js";
import type { Rotation } from "../../../training/capabilities/rotation.js";
import type { FitContents } from "../../../training/session/trainer.js";
import { readPreprocess, type RunSpace } from "../../../training/capabilities/run-space.js";
import type { SideInformation } from "./side-information.js";
import type { ReportedOfModel } from "../../../training/capabilities/model.js";
import { contentsOf } from "../../shared/skip-grams/contents.js";
import type { SgnsVectors } from "../../shared/skip-grams/learn.js";
import { optimizerFile } from "../../shared/skip-grams/warm-start.js";
import type { SgnsVocabulary } from "../../shared/skip-grams/vocabulary.js";
import { EGES_MODEL } from "../side-tables.js";

const SIDE_TABLE = "side";
export const SIDE_FILE = "side-information.json";
export const ATTENTION_FILE = "attention.safetensors";
export const SIDE_HISTORY_FILE = "side-history.safetensors";

/** Trained parameters of EGES; the features are those of the item column and of the side columns. */
interface EgesVectors {
  dim: number;
  /** f32[numFeatures * dim]: own vectors of items, and vectors of side values */
  vectors: Float32Array;
  /** f32: attention to each kind of side information of each item, in the order of SgnsParts (compute/kernels/sgns/parts.ts) */
  attention: Float32Array;
}

/** Parameters that items keep from the run that --init names, by feature of the training's vocabulary. */
export interface CarriedItems {
  /** u8[numFeatures]: 1 for items that keep the vector composed in the run that --init names */
  stays: Uint8Array;
  /** f32[numFeatures, kinds] each: attention before the softmax and shares after it, in this training's order of kinds */
  attention: Float32Array;
  shares: Float32Array;
}

function splitSpace(space: FeatureSpace, item: string) {
  const f = space.fields.findIndex(({ name }) => name === item);
  return {
    items: featureSpace([space.fields[f]!]),
    sides: featureSpace(space.fields.filter(({ name }) => name !== item)),
    /** first feature of the item column in the given feature space, and the feature after its last */
    range: [space.offsets[f]!, space.offsets[f + 1]!] as const,
  };
}

/** @param history when each side value was last seen, by row of their table */
function sideContents(
  { space, history }: { space: FeatureSpace; history: KeyHistory },
  side: SideInformation,
  trained: EgesVectors,
  roles: Roles,
  carried: CarriedItems | undefined,
): { table: EmbeddingTable; files: FitContents["files"] } {
  const { dim, vectors } = trained;
  const [item] = side.names;
  const { sides, range } = splitSpace(space, item!);
  const ofSides = (row: number) => row < range[0] || row >= range[1];
  const features = ascending(space.numFeatures).filter(ofSides);
  const sideVectors = new Float32Array(features.length * dim);
  features.forEach((v, i) => sideVectors.set(vectors.subarray(v * dim, (v + 1) * dim), i * dim));
  const recipe: SideFile = {
    kinds: side.names,
    roles: sideRoles(roles, sides),
    fields: recipesOf(sides, roles),
  };
  return {
    table: featureTable(sides, { dim, vectors: sideVectors }),
    files: {
      [SIDE_FILE]: `${JSON.stringify(recipe, undefined, 2)}\n`,
      [ATTENTION_FILE]: attentionChunks(side, trained, range, carried),
      [SIDE_HISTORY_FILE]: historyChunks(history),
    },
  };
}

function sideRoles({ fields, numeric, multi, multiWeights }: Roles, { fields: sides }: FeatureSpace): Roles {
  const isSide = (name: string) => sides.some((field) => field.name === name);
  return {
    fields: fields.filter(isSide),
    numeric: numeric.filter(isSide),
    multi: Object.fromEntries(Object.entries(multi).filter(([name]) => isSide(name))),
    ...(multiWeights && { multiWeights: multiWeights.filter(isSide) }),
  };
}

/** Writes the attention of each item; the feature range[0] represents unknown items and has no row. */
function attentionChunks(
  { names, parts, kindOf }: SideInformation,
  { dim, vectors, attention }: EgesVectors,
  [first, end]: readonly [number, number],
  carried: CarriedItems | undefined,
): Uint8Array[] {
  const numItems = end - first - 1;
  const shares = sharesOf(parts, attention);
  const rows = {
    attention: new Float32Array(numItems * names.length),
    shares: new Float32Array(numItems * names.length),
  };
  const { ends, kinds } = parts;
  for (let i = 0; i < numItems; i++) {
    const v = first + 1 + i;
    if (carried?.stays[v]) {
      const from = v * names.length;
      for (const name of ["attention", "shares"] as const)
        rows[name].set(carried[name].subarray(from, from + names.length), i * names.length);
      continue;
    }
    for (let p = ends[v]!; p < ends[v + 1]!; p++) {
      const place = kinds[p]!;
      const at = i * names.length + kindOf[place]!;
      rows.attention[at] = attention[place]!;
      rows.shares[at] = shares[place]!;
    }
  }
  const own = vectors.slice((first + 1) * dim, end * dim);
  return safetensorsChunks(
    new Map([
      ["attention", { shape: [numItems, names.length], data: rows.attention }],
      ["shares", { shape: [numItems, names.length], data: rows.shares }],
      ["own", { shape: [numItems, dim], data: own }],
    ]),
  );
}

export const forgetAttention: ForgetTensors = (tensors, { rows }) => {
  for (const tensor of tensors.values()) clearRows(tensor, rows);
  return { dropped: 0, changed: rows.length > 0 };
};

/** Files that change when values of side columns are removed: their history, and the optimizer state. */
export async function forgetSideValues(run: Run): Promise<Readonly<Record<string, ForgetTensors>>> {
  const { table, space } = await readSide(run);
  const features = tableFeatures(space);
  const numItemFeatures = (await run.readKeys()).numRows + 1;
  const rowsWith = (keys: AskedKeys) =>
    ascending(table.numRows).filter((row) =>
      keys.get(table.fields[table.fieldOf[row]!]!)?.has(keyAt(table.keys, row)),
    );
  const ofItems = byFeature(() => true);
  return {
    [SIDE_HISTORY_FILE]: (tensors, { keys }) => {
      const rows = rowsWith(keys);
      clearHistory(tensors, rows);
      return { dropped: 0, changed: rows.length > 0 };
    },
    [OPTIMIZER_FILE]: (tensors, job) => {
      const found = ofItems(tensors, job);
      const rows = rowsWith(job.keys);
      for (const tensor of tensors.values())
        clearRows(
          tensor,
          Array.from(rows, (row) => numItemFeatures + features[row]!),
        );
      return { ...found, changed: found.changed || rows.length > 0 };
    },
  };
}

/** One matrix rotates items, contexts, side values and own vectors; attention does not change. */
export function egesRotation(run: Run, table: EmbeddingTable): Rotation {
  return {
    ...rotationOf(table, [CONTEXT_TABLE, SIDE_TABLE]),
    async files(rotate) {
      const tensors = await TensorFile.of(run, ATTENTION_FILE);
      const own = tensors.f32("own", [table.numRows, table.dim]);
      const rotated = { shape: [table.numRows, table.dim], data: rotate(own, table.fieldOf) };
      return { [ATTENTION_FILE]: safetensorsChunks(new Map([...tensors.all, ["own", rotated]])) };
    },
  };
}

/** Content of side-information.json, in the form of preprocess.json, for the side columns alone. */
interface SideFile {
  kinds: string[];
  roles: Roles;
  fields: FieldRecipe[];
}

const sideShape = object({ kinds: list(text), roles: rolesShape, fields: anything });

function parseSide(bytes: Uint8Array, file: string): SideFile {
  return parseJson(bytes, sideShape, file) as SideFile;
}

interface SideOfRun extends RunSpace {
  /** names of the kinds of side information; the first is that of the item's column */
  kinds: string[];
}

export async function readSide(run: Run): Promise<SideOfRun> {
  const [preprocess, bytes] = [await readPreprocess(run), await run.readModelFile(SIDE_FILE)];
  const file = `${run.path}/model/${SIDE_FILE}`;
  const { kinds, ...own } = parseSide(bytes, file);
  const { itemFields: _, ...reading } = preprocess;
  const merged = { ...reading, testVectors: [], ...own };
  const side: Preprocess = parsePreprocess(Buffer.from(JSON.stringify(merged)), file);
  const table = await run.readTable(SIDE_TABLE);
  return { kinds, preprocess: side, table, space: spaceOf(side, table) };
}

/** Reads the outputs of the softmax: f32[numRows, kinds] by row of the default table. */
async function readShares(run: Run, numRows: number): Promise<{ kinds: string[]; shares: Float32Array }> {
  const { kinds } = parseSide(await run.readModelFile(SIDE_FILE), `${run.path}/model/${SIDE_FILE}`);
  const tensors = await TensorFile.of(run, ATTENTION_FILE);
  return { kinds, shares: tensors.f32("shares", [numRows, kinds.length]) };
}

/** Lower bounds of the buckets into which items are divided by their number of events. */
const BUCKETS = [1, 2, 5, 10, 20, 50, 100, 1000, 10_000, 100_000];

/** Mean share of each kind, for items in buckets by their number of events. */
export async function attentionOf(run: Run): Promise<ReportedOfModel["shares"]> {
  const { counts, numRows } = await run.readKeys();
  const { kinds, shares } = await readShares(run, numRows);
  const width = kinds.length;
  const buckets = BUCKETS.map((from, b) => ({
    from,
    ...(b + 1 < BUCKETS.length && { to: BUCKETS[b + 1]! - 1 }),
    items: 0,
    shares: kinds.map(() => 0),
  }));
  for (let row = 0; row < numRows; row++) {
    const own = shares.subarray(row * width, (row + 1) * width);
    // the attention shares of items without events in this training are 0
    const bucket = buckets.findLast(({ from }) => counts[row]! >= from);
    if (!bucket || own.every((share) => share === 0)) continue;
    bucket.items++;
    own.forEach((share, kind) => (bucket.shares[kind]! += share));
  }
  const filled = buckets.filter(({ items }) => items > 0);
  for (const bucket of filled) bucket.shares = bucket.shares.map((sum) => sum / bucket.items);
  return { parts: kinds, buckets: filled };
}

/** @param dataset dataset on which the vocabulary was fitted, with items and their side columns */
export function egesContents(
  { space, history, carried }: SgnsVocabulary,
  dataset: Dataset,
  how: ExampleOptions,
  side: SideInformation,
  carriedItems: CarriedItems | undefined,
  { dim, vectors, contexts, composed, squares }: SgnsVectors & { dim: number },
): FitContents {
  const { roles } = dataset;
  const [item] = side.names;
  const { items, range } = splitSpace(space, item!);
  const numItems = range[1] - range[0] - 1;
  // the items' rows come first in the arrays of the key history, because the item field is the first
  const historyOf = (from: number, to?: number) => ({
    lastSeen: history.lastSeen.slice(from, to),
    missed: history.missed.slice(from, to),
  });
  const ofItems = (rows: Float32Array) => ({ dim, vectors: rows.subarray(range[0] * dim, range[1] * dim) });
  const base = contentsOf(
    EGES_MODEL,
    {
      space: items,
      history: historyOf(0, numItems),
      carried,
    },
    { ...dataset, roles: itemRoles(roles, item!) },
    how,
    { [DEFAULT_TABLE]: ofItems(vectors), [CONTEXT_TABLE]: ofItems(contexts) },
    undefined,
  );
  const { rows, attention } = composed!;
  const { table, files } = sideContents(
    { space, history: historyOf(numItems) },
    side,
    { dim, vectors: rows, attention },
    roles,
    carriedItems,
  );
  return {
    ...base,
    tables: { ...base.tables, [SIDE_TABLE]: table },
    files: { ...base.files, ...files, ...(squares && optimizerFile([squares], space.numFeatures)) },
  };
}

/** The item is the only feature. */
function itemRoles({ multiWeights: _, ...roles }: Roles, item: string): Roles {
  return { ...roles, fields: [item], numeric: [], multi: {} };
}
