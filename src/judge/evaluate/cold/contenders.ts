// The contenders of --cold (listed in cold.ts): vectors of new items from content, from events, from both, or from
// means over values.

import { MISSING, keyAt, type Keys } from "../../../log/keys.js";
import { KeyIndex } from "../../../dataset/vocabulary/key-index.js";
import { keysOfRows, type EmbeddingTable, rowsOf, vectorsAt, type RowRange } from "../../../table/table.js";
import type { Run } from "../../../table/run-directory.js";
import { DataError, UsageError } from "../../../base/errors.js";
import type { Measured } from "../../../metrics/comparison.js";
import { columnNamed, type Dataset, rowsWhere } from "../../../dataset/dataset.js";
import { NO_ITEM } from "../../../compute/kernels/top-items/binding.js";
import { knownModelOf } from "../../../trainers/index.js";
import type { FurtherLog } from "../../../training/reading/open-as-trained.js";
import { silently } from "../../../training/reading/split-parts.js";
import { rowsOfKeys } from "../../../training/split-metrics/ranked-items.js";
import type { Watch } from "../../../training/session/watch.js";
import { blended, foldedItems, type ItemVector } from "../../../use/content/fold-in-items.js";
import { mapCatalogue, type ContentMap } from "../../../use/content/map.js";
import { keyAsTrained } from "../../../use/item-keys.js";
import type { ColdItems, ColdProtocol } from "./protocol.js";
import type { Evaluating } from "../options.js";
import { readWithAdded } from "../../../table/added.js";
import { tableRows } from "../../../table/rows.js";
import { fieldsOf, sums, vectorsOfKeys } from "../../../use/rank-items/run-ranker.js";
import { lengthOf } from "../../../table/retrieval/nearest.js";
import type { TrainingEvents } from "../../../dataset/sampling/training-events.js";
import { composeItems } from "../../../use/compose.js";

const CANNOT_FOLD = "cannot compute vectors of new items from their events (--cold)";

interface Known {
  map: ContentMap;
  warnings: string[];
  meanOf: ((item: number) => ItemVector) | undefined;
  /** returns the row number of a new item in the catalogue; -1 if it is absent */
  placeOf: (key: string) => number;
}

export async function loadContentMap(
  run: Run,
  field: string,
  { table, range }: RankedTable,
  options: Evaluating,
  watch: Watch,
): Promise<Known | undefined> {
  const { content, hashKeys } = options;
  if (content === undefined) return undefined;
  const asTrained = await keyAsTrained(run, field, { hashKeys, on: content });
  const items = { run, field, table, range };
  const { catalogue, map, warnings } = await mapCatalogue(items, asTrained, options, watch);
  const index = new KeyIndex(catalogue.keys);
  return { map, warnings, meanOf: valueMeans(table, map), placeOf: (key) => index.findText(key) };
}

/**
 * A baseline for the content map: the vector (and weight) of a value is the mean over the known items that have it; an
 * item without a value gets the mean of all known items. Returns undefined if no column has values.
 */
function valueMeans(
  { dim, vectors, weights }: EmbeddingTable,
  { rows, known }: Pick<ContentMap, "rows" | "known">,
): ((item: number) => ItemVector) | undefined {
  const { blocks, fields, indptr, columns } = rows;
  const isValue = new Uint8Array(blocks.at(-1)!);
  fields.forEach((field, f) => field.kind !== "number" && isValue.fill(1, blocks[f], blocks[f + 1]));
  if (!isValue.includes(1)) return undefined;
  const width = dim + 1;
  const sums = new Float64Array(isValue.length * width);
  const counts = new Float64Array(isValue.length);
  const mean = new Float64Array(width);
  const lineOf = (row: number) =>
    Float64Array.of(...vectors.subarray(row * dim, (row + 1) * dim), weights?.[row] ?? 0);
  for (const { item, row } of known) {
    const line = lineOf(row);
    for (let t = 0; t < width; t++) mean[t]! += line[t]! / known.length;
    for (let pair = indptr[item]!; pair < indptr[item + 1]!; pair++) {
      const value = columns[pair]!;
      if (isValue[value] === 0) continue;
      counts[value]!++;
      for (let t = 0; t < width; t++) sums[value * width + t]! += line[t]!;
    }
  }
  return (item) => {
    const own = Array.from(columns.subarray(indptr[item], indptr[item + 1])).filter(
      (value) => isValue[value] === 1 && counts[value]! > 0,
    );
    const line = new Float64Array(width);
    for (const value of own)
      for (let t = 0; t < width; t++) line[t]! += sums[value * width + t]! / counts[value]! / own.length;
    const found = own.length > 0 ? line : mean;
    return { vector: found.slice(0, dim), weight: found[dim]! };
  };
}

export interface Contender {
  name: string;
  kind: Measured["kind"];
  ranked: Pick<RankedTable, "dim" | "queries" | "items" | "weights">;
}

interface Contending {
  base: RankedTable;
  cold: ColdItems;
  protocol: ColdProtocol;
  training: { counts: Uint32Array; users: { size: number } };
  known: Known | undefined;
  folded: ReadonlyMap<string, ItemVector> | undefined;
  priorEvents: number;
}

export function contendersOf(of: Contending): Contender[] {
  const { base, cold, protocol, training, known, folded, priorEvents } = of;
  const keys = Array.from({ length: cold.items.size }, (_, i) => keyAt(cold.items, i));
  const mean = known?.map.mean ?? meanItem(base);
  const contentFor = (key: string): ItemVector | undefined => {
    if (!known) return undefined;
    const place = known.placeOf(key);
    if (place < 0) return mean;
    const { vectors, weights } = known.map;
    const { dim } = base;
    return { vector: vectors.subarray(place * dim, (place + 1) * dim), weight: weights?.[place] ?? 0 };
  };
  const filled = (
    name: string,
    vectorOf: (key: string, item: number) => ItemVector,
    kind: Measured["kind"],
  ) => {
    const ranked = { ...base, items: base.items.slice(), weights: base.weights.slice() };
    keys.forEach((key, item) => putItem(ranked, cold.fresh[item]!, vectorOf(key, item)));
    return { name, kind, ranked };
  };
  const contenders: Contender[] = [];
  if (known) contenders.push(filled("content", (key) => contentFor(key)!, "run"));
  if (folded) contenders.push(filled("fold-in", (key) => folded.get(key) ?? mean, "run"));
  if (known && folded)
    contenders.push(
      filled(
        "blend",
        (key, item) => blended(contentFor(key), folded.get(key), protocol.counts[item]!, priorEvents)!,
        "run",
      ),
    );
  if (known?.meanOf) {
    const { meanOf: ofValues, placeOf } = known;
    contenders.push(
      filled("value mean", (key) => (placeOf(key) < 0 ? mean : ofValues(placeOf(key))), "baseline"),
    );
  }
  contenders.push(filled("mean", () => mean, "baseline"));
  const popularity = new Float32Array(cold.all.size);
  training.counts.forEach((count, item) => (popularity[cold.trained[item]!] = count));
  protocol.counts.forEach((count, item) => (popularity[cold.fresh[item]!] = count));
  contenders.push({
    name: "popularity",
    kind: "baseline",
    ranked: {
      dim: 1,
      queries: new Float32Array(training.users.size),
      items: new Float32Array(cold.all.size),
      weights: popularity,
    },
  });
  return contenders;
}

function meanItem({ table, range: { first, last } }: RankedTable): ItemVector {
  const { dim, vectors, weights } = table;
  const vector = new Float64Array(dim);
  let weight = 0;
  for (let row = first; row < last; row++) {
    for (let d = 0; d < dim; d++) vector[d]! += vectors[row * dim + d]! / (last - first);
    weight += (weights?.[row] ?? 0) / (last - first);
  }
  return { vector, weight };
}

/** Folds in new items from their first events. Returns undefined, with a warning, if the run's model cannot. */
export async function foldNewItems(
  run: Run,
  field: string,
  { dim }: RankedTable,
  log: FurtherLog,
  cold: ColdItems,
  events: number,
  watch: Watch,
  warnings: string[],
): Promise<ReadonlyMap<string, ItemVector> | undefined> {
  const skip = (why: string): undefined => {
    const text = `no fold-in of new items from their events: ${why}`;
    if (!warnings.includes(text)) warnings.push(text);
  };
  const model = await knownModelOf(run);
  if (!model.foldIn)
    return skip(`run '${run.path}' holds ${model.holds} (${model.command}), which ${CANNOT_FOLD}`);
  const { user = "user" } = run.manifest.roles as { user?: string };
  const rows = (dataset: Dataset) => knownRows(dataset, user, field, cold, events);
  try {
    const { items } = await foldedItems(run, { ...log, rowsOf: rows }, dim, CANNOT_FOLD, silently(watch));
    return items;
  } catch (error) {
    // a DataError may also say that no known event can be used; only the fold-in contender is then left out
    if (error instanceof UsageError || error instanceof DataError) return skip(error.message);
    throw error;
  }
}

/** Returns u32, the events for folding in new items: those of known items, and of new items with their first users. */
function knownRows(
  dataset: Dataset,
  user: string,
  item: string,
  cold: ColdItems,
  events: number,
): Uint32Array {
  const [users, items] = [columnNamed(dataset, user), columnNamed(dataset, item)];
  if (users.kind !== "key" || items.kind !== "key") throw new RangeError("users and items are keys");
  const fresh = rowsOfKeys(cold.items, items.dictionary);
  const all = rowsOfKeys(cold.all, items.dictionary);
  const known = rowsOfKeys(cold.users, users.dictionary);
  const first = cold.takers.map((takers) => new Set(takers.slice(0, events)));
  return rowsWhere(dataset.numRows, (row) => {
    const [u, i] = [users.codes[row]!, items.codes[row]!];
    if (u === MISSING || i === MISSING) return false;
    if (fresh[i] === NO_ITEM) return all[i] !== NO_ITEM;
    return first[fresh[i]!]!.has(known[u]!);
  });
}

/** Returns the number of new items that have more events in the run's training than the evaluation treats as known. */
export function leaks({ table, range }: RankedTable, { items }: ColdItems, { counts }: ColdProtocol): number {
  const rows = rowsOfKeys(keysOfRows(table, range), items);
  return rows.reduce(
    (sum, row, item) => sum + (row !== NO_ITEM && table.counts[range.first + row]! > counts[item]! ? 1 : 0),
    0,
  );
}

// A run's table becomes the vectors by which --cold ranks: a query for each user, and an array of item vectors with
// room for new items.
//
//   dot      score = q . v + weight, for models that rank by this score; q is the user's row
//   cosine   score = q . v/|v|, for tables without users; q is the sum of the unit vectors of the user's training items

interface VectorScoring {
  by: "dot" | "cosine";
  weighted: boolean;
}

/** User queries and item vectors of a table; user and item numbers are those of the --cold protocol (protocol.ts). */
export interface RankedTable {
  dim: number;
  scoring: VectorScoring;
  /** the run's table; the vectors of its items are sums over columns if the run composes items */
  table: EmbeddingTable;
  range: RowRange;
  /** query vectors of the users, f32[number of training users * dim] */
  queries: Float32Array;
  /** item vectors, f32[number of all items * dim], of unit length for cosine; zeros for an item without a row */
  items: Float32Array;
  /** item weights, f32[number of all items]; -Infinity for an item without a row */
  weights: Float32Array;
}

/** Returns the score of a run's vectors; `given` overrides it. @throws {UsageError} the model has no such score */
export async function vectorScoring(run: Run, given: "dot" | "cosine" | undefined): Promise<VectorScoring> {
  if (given) return { by: given, weighted: false };
  const { mips, rank, foldedRank, scoresBy, contexts, holds, command } = await knownModelOf(run);
  if (mips === "rows") return { by: "dot", weighted: true };
  if (foldedRank) return { by: foldedRank, weighted: false };
  if (contexts !== undefined && !rank) return { by: "cosine", weighted: false };
  const table = await run.withRows(undefined, (rows) => Promise.resolve(rows));
  // a model of components, such as an SVD, ranks by dot products of user and item rows, without weights
  if (rank && scoresBy === "vectors" && !table.hasWeights) return { by: "dot", weighted: false };
  throw new UsageError(
    `run '${run.path}' holds ${holds} (${command}), which cannot rank by the rows of users and items (--cold): use ` +
      "--score dot or --score cosine to rank by its table",
  );
}

export async function rankedTable(
  run: Run,
  field: string,
  { users, items: trained, history }: TrainingEvents,
  all: Keys,
  scoring: VectorScoring,
): Promise<RankedTable> {
  const composed = await composeItems(
    { run, table: await readWithAdded(run), fieldNamed: (name) => name },
    undefined,
  );
  const { table } = composed;
  const keyed = { table, rows: tableRows(table) };
  const { dim } = table;
  const range = rowsOf(table, field);
  const { rows, vectors } = await vectorsOfKeys(keyed, field, all, scoring.by === "cosine");
  const weightOf = (row: number) => (scoring.weighted ? (table.weights?.[range.first + row] ?? 0) : 0);
  const { user } = fieldsOf(run);
  return {
    ...{ dim, scoring, table, range, items: vectors },
    queries: table.fields.includes(user)
      ? (await vectorsOfKeys(keyed, user, users, false)).vectors
      : sums(vectorsAt({ vectors, dim }, rowsOfKeys(all, trained)), history, dim),
    weights: Float32Array.from(rows, (row) => (row === NO_ITEM ? -Infinity : weightOf(row))),
  };
}

/** Sets the vector and the weight of an item; the vector is scaled to length 1 if the score is the cosine. */
function putItem(
  { dim, scoring, items, weights }: Pick<RankedTable, "dim" | "scoring" | "items" | "weights">,
  item: number,
  { vector, weight }: ItemVector,
): void {
  items.set(vector, item * dim);
  if (scoring.by === "cosine") {
    const length = lengthOf(items, item * dim, dim);
    if (length > 0) for (let d = 0; d < dim; d++) items[item * dim + d]! /= length;
  }
  weights[item] = scoring.weighted ? weight : 0;
}
