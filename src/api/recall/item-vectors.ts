// The items of a table as lists search them: vectors, weights, and who finds the best.

import { ascending } from "../../numeric/indices.js";
import type { Keys } from "../../log/keys.js";
import type { Run } from "../../embedding/run-directory.js";
import { loadRows, rangeOf, tableRows, type TableRows } from "../../embedding/rows.js";
import {
  isHole,
  pickRows,
  rowsOf,
  vectorsAt,
  zeroRows,
  type EmbeddingTable,
  type RowRange,
} from "../../embedding/table.js";
import { UsageError } from "../../errors.js";
import { unitRows } from "../../retrieval/nearest.js";
import { NO_ITEM } from "../../kernels/top-items/binding.js";
import { rowsOfKeys } from "../../training/judging/ranked-items.js";
import type { Compose } from "../compose.js";
import { composed, type ItemComposition } from "../composed-items.js";
import { contextsOf, fieldsOf } from "../../ranking/table-ranker.js";
import { DEFAULT_EF, openIndexOf } from "../hnsw/search.js";
import type { Given } from "./requested-lists.js";
import { searchVectors, type Search } from "../../ranking/lists/search.js";
import { searchByIndex } from "./search-index.js";

/** How items are compared with queries. */
export interface HowCompared {
  score: "dot" | "cosine" | "context";
  /** the items' weights count */
  withWeights: boolean;
  /** items are the sum over their columns */
  composition?: ItemComposition | undefined;
}

/** What is searched. */
export interface ItemVectors {
  items: Keys;
  /** u32, beside them: their events */
  counts: Uint32Array;
  dim: number;
  /** f32[n * dim]: what queries are made of; of length 1 for cosines */
  centres: Float32Array;
  /** whether the weights tell items apart */
  hasWeights: boolean;
  /** what an item's vector is, where it is not its row */
  note?: string;
  /** Readies a search of sets of the items. */
  searchIn: (sets: readonly Uint32Array[]) => Promise<Search>;
}

/** The items of the run's table, but for holes. @throws {UsageError} as Search, or --index is of other vectors */
export async function itemVectors(given: Given, how: HowCompared): Promise<ItemVectors> {
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
  // never found: an item without a vector as context, and among items one without a direction
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

/** The rows of a field alone, numbered from 0 on. */
function rowsOfField(rows: TableRows, range: RowRange): TableRows {
  return {
    ...rows,
    numRows: range.last - range.first,
    batches: async function* (pass) {
      for await (const { start, table } of rows.batches({ ...pass, range }))
        yield { start: start - range.first, table };
    },
  };
}

/** A field's rows in memory, but for holes. @returns with u32: which of the field's rows they are */
async function tableOfField(
  rows: TableRows,
  field: string,
): Promise<{ table: EmbeddingTable; kept: Uint32Array }> {
  const own = await loadRows(rowsOfField(rows, await rangeOf(rows, field)));
  const kept = ascending(own.numRows).filter((row) => !isHole(own, row));
  return { table: kept.length === own.numRows ? own : pickRows(own, kept), kept };
}

/** The keys of a field's rows, holes among them, so that numbers stand for rows. */
export async function keysOfField(rows: TableRows, field: string): Promise<Keys> {
  const own = rowsOfField(rows, await rangeOf(rows, field));
  const batches: TableRows["batches"] = (pass) => own.batches({ ...pass, vectors: false });
  return (await loadRows({ ...own, dim: 0, batches })).keys;
}

/** The items' rows in the table of contexts. @returns with the items that have none there */
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

/** Searches an index. @throws {UsageError} it is of another field, metric or table than the lists are made by */
async function indexed(
  { opened: { run }, options, watch }: Given,
  { score, withWeights, composition }: HowCompared,
  path: string,
  rows: Uint32Array,
): Promise<Search> {
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
