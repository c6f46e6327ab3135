// Searches of an index, by queries as a table has them.

import { UsageError } from "../../errors.js";
import type { ItemLists, TopItems } from "../../kernels/top-items/binding.js";
import type { HnswGraph } from "../../retrieval/hnsw/graph.js";
import { searchGraph } from "../../retrieval/hnsw/search.js";
import { indexedQueries, type Space } from "../../retrieval/hnsw/space.js";
import { openTable, type OpenTable } from "../tables.js";
import { checkFits, openIndex, type IndexDirectory } from "./directory.js";
import { indexSource, type IndexSource } from "./source.js";

/** An index in memory. */
export interface SearchIndex {
  space: Space;
  graph: HnswGraph;
}

/** An index in memory, and the rows of the run that it was built of. */
export interface IndexOfRun extends SearchIndex {
  opened: OpenTable;
  directory: IndexDirectory;
  source: IndexSource;
}

export interface SearchIndexOptions {
  /** rows a list, 1 at least */
  top: number;
  /** candidates that a search remembers: the more, the closer to exact, and the slower; raised to `top` */
  ef: number;
  /** a list a query: rows of the field that it never finds */
  masks?: ItemLists;
  /** whether rows' weights count, where the index has them: they do for users, whom items are ranked for; true when absent */
  weighted?: boolean;
  threads: number;
  signal?: AbortSignal;
}

/** Size of a search's candidate list where none is given. */
export const DEFAULT_EF = 128;

/**
 * Opens an index of a run's rows.
 *
 * @param run its path
 * @throws {UsageError} it was built of others: another field, metric, dimension or other vectors
 * @throws {ArtifactError} it is damaged
 */
export async function openIndexOf(run: string, path: string): Promise<IndexOfRun> {
  const directory = await openIndex(path);
  const { field, metric, compose, table } = directory.facts;
  const opened = await openTable(run, table);
  const source = await indexSource(opened, { field, metric, compose, table });
  const { space, keys, fingerprint } = source;
  checkFits(directory, run, {
    ...{ field: source.field, metric: space.metric, compose: source.compose },
    ...{ dim: space.dim, rows: keys.size, fingerprint },
  });
  return { directory, opened, source, space, graph: await directory.readGraph() };
}

/**
 * The `top` rows of the field that the index finds nearest to each query, nearest first; approximate.
 *
 * Scores are cosines, inner products with weights, or negated Euclidean distances. A list is shorter only where no more rows are left.
 * The same bytes at any number of threads.
 *
 * @param queries f32[numQueries * dim], as the table has vectors
 * @returns rows of the field, from 0 on; NO_ITEM where there are no more
 */
export async function searchIndex(
  { space, graph }: SearchIndex,
  queries: Float32Array,
  { weighted = true, ...options }: SearchIndexOptions,
): Promise<TopItems & { numDistances: number; seconds: number }> {
  if (queries.length % space.dim !== 0)
    throw new UsageError(`queries must have ${space.dim} numbers each, got ${queries.length} in total`);
  const found = await searchGraph(graph, indexedQueries(space, queries, weighted), options);
  if (space.metric === "l2")
    found.scores.forEach((score, i) => {
      if (score > -Infinity) found.scores[i] = 0 - Math.sqrt(0 - score);
    });
  return found;
}
