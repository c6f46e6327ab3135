// Principal axes of vectors, and products with a matrix of axes.

import { eigenOf } from "../../compute/solvers/svd/symmetric.js";

export interface Axes {
  /** f64[dim]: second moments along the axes, descending */
  moments: Float64Array;
  /** f64[dim][dim]: axes as columns, each with a positive largest component */
  axes: Float64Array;
}

/** Adds weight x x' of each row x to `sums`, f64[dim][dim]. @param vectors f32[n * dim] */
export function addMoments(sums: Float64Array, vectors: Float32Array, dim: number, weight = 1): void {
  for (let at = 0; at < vectors.length; at += dim)
    for (let a = 0; a < dim; a++) {
      const x = weight * vectors[at + a]!;
      for (let b = a; b < dim; b++) sums[a * dim + b]! += x * vectors[at + b]!;
    }
}

/** @param sums f64[dim][dim], of which the elements on and above the diagonal are read */
export function principalAxes(sums: Float64Array, dim: number): Axes {
  const { values, vectors: axes } = eigenOf(sums, dim);
  // an eigenvector's sign is arbitrary
  for (let c = 0; c < dim; c++) {
    let largest = 0;
    for (let r = 0; r < dim; r++)
      if (Math.abs(axes[r * dim + c]!) > Math.abs(largest)) largest = axes[r * dim + c]!;
    if (largest < 0) for (let r = 0; r < dim; r++) axes[r * dim + c]! *= -1;
  }
  return { moments: values.map((x) => Math.max(0, x)), axes };
}

/** Returns f32[n * width]: rows times a matrix, of which the first `width` columns are used. @param matrix [dim][dim] */
export function timesMatrix(
  vectors: Float32Array,
  dim: number,
  matrix: ArrayLike<number>,
  width = dim,
): Float32Array {
  const out = new Float32Array((vectors.length / dim) * width);
  for (let [from, to] = [0, 0]; from < vectors.length; from += dim, to += width)
    for (let c = 0; c < width; c++) {
      let sum = 0;
      for (let d = 0; d < dim; d++) sum += vectors[from + d]! * matrix[d * dim + c]!;
      out[to + c] = sum;
    }
  return out;
}
