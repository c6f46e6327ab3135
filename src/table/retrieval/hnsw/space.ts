// Transforms rows and queries of a table so that the index's similarity is the requested metric.
//
//   x, w    a row's vector and its weight                   q    a query's vector
//
//   metric   row becomes     query      nearer means
//   cosine   x / |x|          q / |q|     the greater product
//   dot      (x, w)           (q, b)      the greater product: q x + b w
//   l2       x                q           the smaller distance
//
// b is 1 for a user, for whom items are ranked with their weights, and 0 for an item. The inner product is not a
// distance, so build.ts links rows by inner products and by distances.

import type { Nearness } from "../../../compute/kernels/hnsw/binding.js";
import { unitRows, lengthOf } from "../nearest.js";
import type { TableRows } from "../../rows.js";
import { isHole, type EmbeddingTable, type RowRange } from "../../table.js";
import { excerpt, UsageError } from "../../../base/errors.js";

/** The metric of an index: greatest cosine, greatest inner product, or least Euclidean distance. */
export const indexMetrics = ["cosine", "dot", "l2"] as const;
export type IndexMetric = (typeof indexMetrics)[number];

/** hnswlib's name for the metric of the transformed vectors, by metric of the index. */
export const SPACES = { cosine: "cosine", dot: "ip", l2: "l2" } as const;

/** Transformation of a table's vectors into vectors of an index. */
export interface Space {
  metric: IndexMetric;
  /** d: dimension of the table's vectors */
  dim: number;
  /** whether the weight is appended to each vector as a coordinate; only for dot */
  biased: boolean;
}

/** Returns the dimension of the vectors in the index. */
export function widthOf({ dim, biased }: Space): number {
  return dim + (biased ? 1 : 0);
}

/** Returns the similarity of transformed vectors by which nodes are linked and lists are ranked. */
export function nearnessOf(metric: IndexMetric): Nearness {
  return metric === "l2" ? "l2" : "dot";
}

/**
 * Transforms the vectors of a table into vectors of the index.
 *
 * @param vectors f32[n * dim]
 * @param weights f32[n], only read for a biased space
 * @returns f32[n * width]; zero vectors stay zero for cosine
 */
export function indexedRows(space: Space, vectors: Float32Array, weights?: Float32Array): Float32Array {
  const { metric, dim, biased } = space;
  if (metric === "cosine") return unitRows(vectors, dim);
  return biased ? withLast(vectors, dim, (row) => weights![row]!) : vectors;
}

/**
 * Transforms the vectors of queries into vectors of the index.
 *
 * @param vectors  f32[numQueries * dim]
 * @param weighted whether scores include the weights of rows, as for users, to whom items are recommended
 * @returns f32[numQueries * width]
 */
export function indexedQueries(
  { metric, dim, biased }: Space,
  vectors: Float32Array,
  weighted: boolean,
): Float32Array {
  if (metric === "cosine") return unitRows(vectors, dim);
  return biased ? withLast(vectors, dim, () => (weighted ? 1 : 0)) : vectors;
}

function withLast(vectors: Float32Array, dim: number, last: (row: number) => number): Float32Array {
  const n = vectors.length / dim;
  const longer = new Float32Array(n * (dim + 1));
  for (let row = 0; row < n; row++) {
    longer.set(vectors.subarray(row * dim, (row + 1) * dim), row * (dim + 1));
    longer[row * (dim + 1) + dim] = last(row);
  }
  return longer;
}

/** Numbers of rows that an index leaves out: rows without a key and, for the cosine, zero vectors. */
export interface LeftOutRows {
  holes: number;
  zeros: number;
}

/** Returns the number of rows of a range whose vectors are not zero. */
export async function numNonzero(rows: TableRows, range: RowRange): Promise<number> {
  let found = 0;
  for await (const { table } of rows.batches({ range }))
    for (let row = 0; row < table.numRows; row++)
      if (lengthOf(table.vectors, row * table.dim, table.dim) !== 0) found++;
  return found;
}

/**
 * Returns the numbers of the rows to index within a range of rows of a table.
 *
 * @throws {UsageError} no row has a vector
 */
export function rowsToIndex(
  table: EmbeddingTable,
  { first, last }: RowRange,
  metric: IndexMetric,
  { run, field }: { run: string; field: string },
): { rows: Uint32Array; left: LeftOutRows } {
  const { dim, vectors } = table;
  const rows: number[] = [];
  const left = { holes: 0, zeros: 0 };
  for (let row = first; row < last; row++) {
    const length = lengthOf(vectors, row * dim, dim);
    if (isHole(table, row)) left.holes++;
    else if (metric === "cosine" && length === 0) left.zeros++;
    else rows.push(row - first);
  }
  if (rows.length === 0)
    throw new UsageError(`field ${excerpt(field)} of run '${run}' has no vectors to index`);
  return { rows: Uint32Array.from(rows), left };
}
