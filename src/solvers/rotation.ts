// Finds the orthogonal matrix that rotates one set of vectors to match another.

import { Matrix, SingularValueDecomposition } from "ml-matrix";

/** Sum over pairs of rows of weight a^T b, f64[dim][dim], to which pairs are added in portions. */
export class CrossProduct {
  readonly #dim: number;
  /** the sum; empty before the first pair, because tables that are not rotated may have tens of thousands of dimensions */
  #product: number[][] = [];

  constructor(dim: number) {
    this.#dim = dim;
  }

  /**
   * Adds pairs of rows.
   *
   * @param from f32[n * dim], row-major
   * @param to f32[n * dim]
   * @param weights [n], weight of each pair, >= 0
   */
  add(from: Float32Array, to: Float32Array, weights: ArrayLike<number>): void {
    const dim = this.#dim;
    if (this.#product.length === 0) this.#product = Matrix.zeros(dim, dim).to2DArray();
    for (let i = 0; i < weights.length; i++) {
      if (weights[i] === 0) continue;
      for (let a = 0; a < dim; a++) {
        const x = weights[i]! * from[i * dim + a]!;
        const row = this.#product[a]!;
        for (let b = 0; b < dim; b++) row[b]! += x * to[i * dim + b]!;
      }
    }
  }

  /**
   * Returns the Q that minimizes the sum of weight |a Q - b|^2 over the pairs: Q = U W^T where sum weight a^T b = U S
   * W^T.
   *
   * Source: Schönemann 1966 (10.1007/BF02289451), orthogonal Procrustes.
   *
   * @returns f64[dim][dim]; a row a of `from` becomes a Q
   */
  rotation(): number[][] {
    const { leftSingularVectors, rightSingularVectors } = new SingularValueDecomposition(
      this.#product.length === 0 ? Matrix.zeros(this.#dim, this.#dim) : new Matrix(this.#product),
    );
    return leftSingularVectors.mmul(rightSingularVectors.transpose()).to2DArray();
  }
}

/** Returns the Q that minimizes the sum of weight |a Q - b|^2 over all pairs of rows, as CrossProduct. */
export function rotationOnto(
  from: Float32Array,
  to: Float32Array,
  weights: ArrayLike<number>,
  dim: number,
): number[][] {
  const product = new CrossProduct(dim);
  product.add(from, to, weights);
  return product.rotation();
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
