// How rows and queries of a table stand in an index, so that its nearness is the metric's.
//
//   x, w    a row's vector and its weight                   q    a query's vector
//   M       the greatest sqrt(|x|^2 + w^2) of all rows      a    sqrt(M^2 - |x|^2 - w^2)
//
//   metric   row stands as    query as     built by    searched by
//   cosine   x / |x|          q / |q|      product     product
//   dot      (x, w, a)        (q, b, 0)    distance    product: q x + b w
//   l2       x                q            distance    distance
//
// All rows of dot have length M, so that the nearest of a query by distance is the one of the greatest product. A graph whose links
// follow products themselves misses most (hnswlib 74, faiss 1496). b is 1 for a user, whom items are ranked for with their weights,
// and 0 for an item. Source: Bachrach et al. 2014 (doi:10.1145/2645710.2645741), section 3.1.

import type { Nearness } from "../../kernels/hnsw/binding.js";
import { lengthOf, unitRows } from "../nearest.js";

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
export function widthOf({ metric, dim, biased }: Space): number {
  return metric === "dot" ? dim + (biased ? 1 : 0) + 1 : dim;
}

/** What decides links, and what decides lists. */
export function nearnessOf(metric: IndexMetric): { built: Nearness; searched: Nearness } {
  return { built: metric === "cosine" ? "dot" : "l2", searched: metric === "l2" ? "l2" : "dot" };
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
  if (metric === "l2") return vectors.slice();
  const n = vectors.length / dim;
  const squares = Float64Array.from({ length: n }, (_, row) => {
    const weight = biased ? weights![row]! : 0;
    return lengthOf(vectors, row * dim, dim) ** 2 + weight * weight;
  });
  const most = squares.reduce((a, b) => Math.max(a, b), 0);
  const width = widthOf(space);
  const rows = new Float32Array(n * width);
  for (let row = 0; row < n; row++) {
    rows.set(vectors.subarray(row * dim, (row + 1) * dim), row * width);
    if (biased) rows[row * width + dim] = weights![row]!;
    rows[(row + 1) * width - 1] = Math.sqrt(most - squares[row]!);
  }
  return rows;
}

/**
 * Queries as they stand beside these rows.
 *
 * @param vectors  f32[numQueries * dim]
 * @param weighted whether weights count: of users, whom items are ranked for
 * @returns f32[numQueries * width]
 */
export function indexedQueries(space: Space, vectors: Float32Array, weighted: boolean): Float32Array {
  const { metric, dim, biased } = space;
  if (metric === "cosine") return unitRows(vectors, dim);
  if (metric === "l2") return vectors;
  const width = widthOf(space);
  const queries = new Float32Array((vectors.length / dim) * width);
  for (let from = 0, to = 0; from < vectors.length; from += dim, to += width) {
    queries.set(vectors.subarray(from, from + dim), to);
    if (biased && weighted) queries[to + dim] = 1;
  }
  return queries;
}
