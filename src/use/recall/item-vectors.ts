// The items of a run's table for recall: their vectors and weights, and the search among them.

import { ascending } from "../../base/numeric/indices.js";
import type { Keys } from "../../log/keys.js";
import type { Run } from "../../table/run-directory.js";
import { loadRows, rangeOf, rowsWithin, tableRows, type TableRows } from "../../table/rows.js";
import { isHole, pickRows, rowsOf, vectorsAt, zeroRows, type EmbeddingTable } from "../../table/table.js";
import { UsageError } from "../../base/errors.js";
import { unitRows } from "../../table/retrieval/nearest.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";
import { rowsOfKeys } from "../../training/split-metrics/ranked-items.js";
import type { Compose } from "../compose.js";
import { composed, type ItemComposition } from "../composed-items.js";
import { contextsOf, fieldsOf } from "../rank-items/run-ranker.js";
import { DEFAULT_EF, openIndexOf, searchIndex, type SearchIndex } from "../index/search.js";
import type { ListsRequest } from "./requested-lists.js";
import { searchVectors, type ListSearch, type SearchOptions } from "../rank-items/lists/search.js";

export interface HowCompared {
  score: "dot" | "cosine" | "context";
  withWeights: boolean;
  /** how the vector of an item is composed of several vectors; undefined if it is a row of the table */
  composition?: ItemComposition | undefined;
}

interface SearchableItems {
  items: Keys;
  /** u32[n]: number of training events of each item */
  counts: Uint32Array;
  dim: number;
  /** f32[n * dim]: item vectors from which queries are made, of unit length for the cosine */
  centres: Float32Array;
  /** whether the weight of some item is not 0 */
  hasWeights: boolean;
  /** a sentence that describes the item vectors; only if items are composed */
  note?: string;
  searchIn: (sets: readonly Uint32Array[]) => Promise<ListSearch>;
}

export async function itemVectors(given: ListsRequest, how: HowCompared): Promise<SearchableItems> {
  const { opened, options, watch } = given;
  const { run, rows } = opened;
  const { score, withWeights, composition } = how;
  const { item } = fieldsOf(run);
  const made = composition && (await composed(await loadRows(rows), composition));
  const { table, kept } = await tableOfField(made ? tableRows(made.table) : rows, item);
  const { dim, keys: items, counts } = table;
  const isCosine = score === "cosine";
  const centres = isCosine ? unitRows(table.vectors, dim) : table.vectors;
  const contexts = score === "context" ? await contextRows(run, item, items) : undefined;
  const weights = withWeights ? table.weights : undefined;
  // items that no list may contain: those without a context vector; for the cosine, also those with a zero vector
  const lacks =
    contexts?.lacks ?? (isCosine && options.for === "item" ? zeroRows({ vectors: centres, dim }) : []);
  const found = lacks.length > 0 ? new Float32Array(items.size) : weights;
  for (const lacking of lacks) found![lacking] = -Infinity;
  const vectors = contexts?.vectors ?? centres;
  const { threads } = options.reading;
  return {
    ...{ items, counts, dim, centres },
    hasWeights: weights?.some((x) => x !== 0) ?? false,
    ...(made?.note !== undefined && { note: made.note }),
    searchIn: async (sets) =>
      options.index === undefined
        ? await searchVectors({ dim, vectors, weights: found }, sets, {
            threads,
            signal: watch.signal,
          })
        : await indexed(given, how, options.index, kept),
  };
}

/** Loads a field's rows, except those without a key. @returns the rows, and the number of each in the field */
async function tableOfField(
  rows: TableRows,
  field: string,
): Promise<{ table: EmbeddingTable; kept: Uint32Array }> {
  const own = await loadRows(rowsWithin(rows, await rangeOf(rows, field)));
  const kept = ascending(own.numRows).filter((row) => !isHole(own, row));
  return { table: kept.length === own.numRows ? own : pickRows(own, kept), kept };
}

/** Loads the keys of all rows of a field, including empty ones, so that the number of a key is that of its row. */
export async function keysOfField(rows: TableRows, field: string): Promise<Keys> {
  return (await loadRows(rowsWithin(rows, await rangeOf(rows, field)), { vectors: false })).keys;
}

/** Loads the rows of the items from the table of contexts. @returns the rows, and the items that lack one */
async function contextRows(
  run: Run,
  item: string,
  keys: Keys,
): Promise<{ vectors: Float32Array; lacks: number[] }> {
  const table = await run.readTable(await contextsOf(run));
  const { first, last } = rowsOf(table, item);
  const own = pickRows(
    table,
    Uint32Array.from({ length: last - first }, (_, i) => first + i),
  );
  const places = rowsOfKeys(own.keys, keys);
  const lacks = [...places.keys()].filter((key) => places[key] === NO_ITEM);
  return { vectors: vectorsAt(own, places), lacks };
}

async function indexed(
  { opened: { run }, options, watch }: ListsRequest,
  { score, withWeights, composition }: HowCompared,
  path: string,
  rows: Uint32Array,
): Promise<ListSearch> {
  const index = await openIndexOf(run.path, path);
  const metric = score === "cosine" ? "cosine" : "dot";
  const wanted: Compose = composition ? "item" : "none";
  const { field, space, compose } = index.source;
  if (field !== fieldsOf(run).item)
    throw new UsageError(
      `index '${path}' is for field '${field}': build one for items with embed index RUN --field item`,
    );
  if (space.metric !== metric)
    throw new UsageError(
      `index '${path}' uses metric ${space.metric}, but these lists use ${metric}: build one with embed ` +
        `index --metric ${metric}`,
    );
  if (compose !== wanted)
    throw new UsageError(
      compose === "item"
        ? `index '${path}' holds composed item vectors, but these lists use plain rows: build one with embed ` +
            "index --compose none"
        : `index '${path}' holds plain item rows, but these lists use composed vectors: build one with embed ` +
            "index --compose item",
    );
  const { ef = DEFAULT_EF, reading } = options;
  watch.observe({
    stage: "note",
    text: `approximate search with index '${path}', ${ef} candidates per search`,
  });
  return searchByIndex(
    { index, rows, ef, weighted: withWeights },
    { threads: reading.threads, signal: watch.signal },
  );
}

interface IndexedItems {
  index: SearchIndex;
  /** u32[n], ascending: row number of each item in the index's field */
  rows: Uint32Array;
  ef: number;
  weighted: boolean;
}

/** Returns an approximate search by an index. It always searches all items, and not a subset of them. */
function searchByIndex(
  { index, rows, ef, weighted }: IndexedItems,
  { threads, signal }: SearchOptions,
): ListSearch {
  const isAll = rows.at(-1) === rows.length - 1;
  const places = new Map(isAll ? [] : Array.from(rows, (row, item) => [row, item] as const));
  return {
    searchesSets: false,
    best: async (_, { vectors }, masks, top) => {
      const own = isAll ? masks : { ...masks, items: masks.items.map((item) => rows[item]!) };
      const how = { top, ef: Math.max(ef, top), masks: own, weighted, threads, signal };
      const { items, scores } = await searchIndex(index, vectors!, how);
      if (!isAll)
        items.forEach((row, at) => {
          if (row !== NO_ITEM) items[at] = places.get(row)!;
        });
      return { items, scores };
    },
    score: () => Promise.reject(new Error("an index cannot rank candidates")),
    end: () => Promise.resolve(),
  };
}
