import { UsageError } from "../../base/errors.js";
import type { ItemLists, TopItems } from "../../compute/kernels/top-items/binding.js";
import type { HnswGraph } from "../../table/retrieval/hnsw/graph.js";
import { searchGraph } from "../../table/retrieval/hnsw/search.js";
import { indexedQueries, type Space } from "../../table/retrieval/hnsw/space.js";
import { openTable, type OpenTable } from "../tables.js";
import { checkFits, openIndex, type IndexDirectory } from "./directory.js";
import { indexSource, type IndexSource } from "./source.js";

/** An index in memory. */
export interface SearchIndex {
  space: Space;
  graph: HnswGraph;
}

/** An index in memory, and the rows of the run's table from which it was built. */
export interface IndexOfRun extends SearchIndex {
  opened: OpenTable;
  directory: IndexDirectory;
  source: IndexSource;
}

export interface SearchIndexOptions {
  /** length of the list of a query, at least 1 */
  top: number;
  /** number of candidates that a search keeps, at least `top`; more candidates make it slower and more exact */
  ef: number;
  /** for each query, numbers of the rows that its list must not contain */
  masks?: ItemLists;
  /** whether scores include the index's weights, as for queries of users; true when absent */
  weighted?: boolean;
  threads: number;
  signal?: AbortSignal;
}

export const DEFAULT_EF = 128;

/**
 * Opens an index of a run's rows.
 *
 * @param run path of the run
 * @throws {UsageError} the index was built from another field, metric, dimension or other vectors
 * @throws {ArtifactError} the index is damaged
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
 * Returns for each query approximately the `top` nearest rows of the field, nearest first.
 *
 * Scores are cosines, dot products plus weights, or negated Euclidean distances. A list is shorter only if no more rows
 * are left. Results do not depend on the number of threads.
 *
 * @param queries f32[numQueries * dim], vectors in the form of the table
 * @returns row numbers within the field; NO_ITEM in unused places
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
