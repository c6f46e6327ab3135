// Propagation layers as a dense matrix in f64: the definition of correct for assembly/layers.ts.

import type { RankingGraph } from "./binding.js";

/**
 * Returns the matrix by which K layers propagate vectors: (I + A~ + ... + A~^K) / (K + 1), f64[n][n], for the
 * normalized graph A~. Source: He et al. 2020 (LightGCN, arXiv:2002.02126), eq. 7 and 8.
 */
export function denseLayers({ layers, ends, neighbors }: Omit<RankingGraph, "through">): Float64Array[] {
  const n = ends.length - 1;
  const degree = (f: number) => ends[f + 1]! - ends[f]!;
  const adjacency = Array.from({ length: n }, (_, f) => {
    const row = new Float64Array(n);
    for (const other of neighbors.subarray(ends[f], ends[f + 1]))
      row[other] = 1 / Math.sqrt(degree(f) * degree(other));
    return row;
  });
  let power: Float64Array[] = adjacency.map((_, f) =>
    Float64Array.from({ length: n }, (_, g) => (f === g ? 1 : 0)),
  );
  const sum = power.map((row) => row.slice());
  for (let k = 1; k <= layers; k++) {
    power = power.map((row) => propagated(adjacency, row));
    sum.forEach((row, f) => row.forEach((_, g) => (row[g]! += power[f]![g]!)));
  }
  return sum.map((row) => row.map((x) => x / (layers + 1)));
}

/** Returns the product of a row vector and the matrix. */
function propagated(matrix: readonly Float64Array[], row: Float64Array): Float64Array {
  const product = new Float64Array(row.length);
  row.forEach((x, f) => {
    if (x === 0) return;
    const other = matrix[f]!;
    for (let g = 0; g < other.length; g++) product[g]! += x * other[g]!;
  });
  return product;
}

/** Returns the product of the matrix and vectors, f64[n * dim]; without a matrix, a copy of the vectors. */
export function behindLayers(
  matrix: readonly Float64Array[] | undefined,
  vectors: Float64Array,
  dim: number,
): Float64Array {
  if (!matrix) return vectors.slice();
  const product = new Float64Array(vectors.length);
  matrix.forEach((row, f) =>
    row.forEach((x, g) => {
      if (x === 0) return;
      for (let d = 0; d < dim; d++) product[f * dim + d]! += x * vectors[g * dim + d]!;
    }),
  );
  return product;
}
