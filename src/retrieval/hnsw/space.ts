// How rows and queries of a table stand in an index, so that its nearness is the metric's.
//
//   x, w    a row's vector and its weight                   q    a query's vector
//
//   metric   row stands as    query as    nearer is
//   cosine   x / |x|          q / |q|     the greater product
//   dot      (x, w)           (q, b)      the greater product: q x + b w
//   l2       x                q           the smaller distance
//
// b is 1 for a user, whom items are ranked for with their weights, and 0 for an item. Products are no distance, and mixed.ts links
// rows by both.

import type { Nearness } from "../../kernels/hnsw/binding.js";
import { unitRows } from "../nearest.js";

/** What an index finds: the greatest cosine or inner product, or the least Euclidean distance. */
export const indexMetrics = ["cosine", "dot", "l2"] as const;
export type IndexMetric = (typeof indexMetrics)[number];

/** What hnswlib calls the space in which the file's index is searched. */
export const SPACES = { cosine: "cosine", dot: "ip", l2: "l2" } as const;

/** How rows stand in an index. */
export interface Space {
  metric: IndexMetric;
  /** d: numbers of a vector of the table */
  dim: number;
  /** whether a coordinate of weights follows them; of dot alone */
  biased: boolean;
}

/** Numbers of a vector as it stands in the index. */
export function widthOf({ dim, biased }: Space): number {
  return dim + (biased ? 1 : 0);
}

/** What decides links and lists. */
export function nearnessOf(metric: IndexMetric): Nearness {
  return metric === "l2" ? "l2" : "dot";
}

/**
 * Rows as they stand in the index.
 *
 * @param vectors f32[n * dim]
 * @param weights f32[n], of a biased space
 * @returns f32[n * width]; zero vectors of cosine stay zeros
 */
export function indexedRows(space: Space, vectors: Float32Array, weights?: Float32Array): Float32Array {
  const { metric, dim, biased } = space;
  if (metric === "cosine") return unitRows(vectors, dim);
  return biased ? withLast(vectors, dim, (row) => weights![row]!) : vectors;
}

/**
 * Queries as they stand beside these rows.
 *
 * @param vectors  f32[numQueries * dim]
 * @param weighted whether weights count: of users, whom items are ranked for
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

/** f32[n * (dim + 1)]: vectors with a number more. */
function withLast(vectors: Float32Array, dim: number, last: (row: number) => number): Float32Array {
  const n = vectors.length / dim;
  const longer = new Float32Array(n * (dim + 1));
  for (let row = 0; row < n; row++) {
    longer.set(vectors.subarray(row * dim, (row + 1) * dim), row * (dim + 1));
    longer[row * (dim + 1) + dim] = last(row);
  }
  return longer;
}
