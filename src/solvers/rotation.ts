// Finds the orthogonal matrix that rotates one set of vectors to match another.

import { Matrix, SingularValueDecomposition } from "ml-matrix";

/**
 * Returns the Q that minimizes the sum of weight |a Q - b|^2 over pairs of rows: Q = U W^T where sum weight a^T b = U S
 * W^T.
 *
 * Source: Schönemann 1966 (10.1007/BF02289451), orthogonal Procrustes.
 *
 * @param from f32[n * dim], row-major
 * @param to f32[n * dim]
 * @param weights [n], weight of each row, >= 0
 * @returns f64[dim][dim]; a row a of `from` becomes a Q
 */
export function rotationOnto(
  from: Float32Array,
  to: Float32Array,
  weights: ArrayLike<number>,
  dim: number,
): number[][] {
  const product = Array.from({ length: dim }, () => Array.from({ length: dim }, () => 0));
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    for (let a = 0; a < dim; a++) {
      const x = weights[i]! * from[i * dim + a]!;
      const row = product[a]!;
      for (let b = 0; b < dim; b++) row[b]! += x * to[i * dim + b]!;
    }
  }
  const { leftSingularVectors, rightSingularVectors } = new SingularValueDecomposition(new Matrix(product));
  return leftSingularVectors.mmul(rightSingularVectors.transpose()).to2DArray();
}

/** Adds the rows multiplied by Q to `sums`, f64[n * dim]. @param vectors f32[n * dim] */
export function addRotated(sums: Float64Array, vectors: Float32Array, rotation: readonly number[][]): void {
  const dim = rotation.length;
  for (let at = 0; at < vectors.length; at += dim) {
    for (let a = 0; a < dim; a++) {
      const x = vectors[at + a]!;
      const row = rotation[a]!;
      for (let b = 0; b < dim; b++) sums[at + b]! += x * row[b]!;
    }
  }
}
