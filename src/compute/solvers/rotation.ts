// Finds the orthogonal matrix that rotates one set of vectors to match another.

import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { ascending, thoseOf } from "../../base/numeric/indices.js";

/** Sum over pairs of rows of weight a^T b, f64[dim][dim], to which pairs are added in portions. */
export class CrossProduct {
  readonly #dim: number;
  /** empty before the first pair, because tables that are not rotated may have tens of thousands of dimensions */
  #product = new Float64Array();
  /** sums of weight |a|^2 and of weight |b|^2 */
  readonly #squares = [0, 0];

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
    if (this.#product.length === 0) this.#product = new Float64Array(dim * dim);
    const weighted = thoseOf(ascending(weights.length), (i) => weights[i] !== 0);
    for (let first = 0; first < weighted.length; first += AT_ONCE) {
      const pairs = weighted.subarray(first, first + AT_ONCE);
      const [left, right] = [new Float64Array(dim * pairs.length), new Float64Array(dim * pairs.length)];
      pairs.forEach((i, k) => {
        for (let a = 0; a < dim; a++) {
          left[a * pairs.length + k] = weights[i]! * from[i * dim + a]!;
          this.#squares[0]! += weights[i]! * from[i * dim + a]! ** 2;
          this.#squares[1]! += weights[i]! * to[i * dim + a]! ** 2;
        }
        right.set(to.subarray(i * dim, (i + 1) * dim), k * dim);
      });
      addProduct(this.#product, left, right, dim);
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
      this.#product.length === 0
        ? Matrix.zeros(this.#dim, this.#dim)
        : Matrix.from1DArray(this.#dim, this.#dim, this.#product),
    );
    return leftSingularVectors.mmul(rightSingularVectors.transpose()).to2DArray();
  }

  /**
   * Returns the correlation of the rotated rows with the others, sum weight a Q · b / size, and the size,
   * sqrt(sum weight |a|^2 · sum weight |b|^2).
   */
  correlation(rotation: readonly number[][]): { value: number; size: number } {
    const size = Math.sqrt(this.#squares[0]! * this.#squares[1]!);
    const dot = rotation.flat().reduce((sum, q, i) => sum + q * this.#product[i]!, 0);
    return { value: dot / size, size };
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
  addProduct(sums, vectors, Float64Array.from(rotation.flat()), rotation.length);
}

/** Number of products of numbers that addProduct adds up in registers. */
const AT_ONCE = 8;

/** Adds left [n][k] times right f64[k][dim] to `sums`, f64[n][dim]; products are added in the order of k. */
function addProduct(
  sums: Float64Array,
  left: Float32Array | Float64Array,
  right: Float64Array,
  dim: number,
): void {
  const size = right.length / dim;
  for (let [from, at] = [0, 0]; from < left.length; from += size, at += dim) {
    let k = 0;
    for (; k + AT_ONCE <= size; k += AT_ONCE) {
      const x = from + k;
      const [x0, x1, x2, x3] = [left[x]!, left[x + 1]!, left[x + 2]!, left[x + 3]!];
      const [x4, x5, x6, x7] = [left[x + 4]!, left[x + 5]!, left[x + 6]!, left[x + 7]!];
      for (let d = 0, r = k * dim; d < dim; d++, r++) {
        let sum = sums[at + d]!;
        sum += x0 * right[r]!;
        sum += x1 * right[r + dim]!;
        sum += x2 * right[r + 2 * dim]!;
        sum += x3 * right[r + 3 * dim]!;
        sum += x4 * right[r + 4 * dim]!;
        sum += x5 * right[r + 5 * dim]!;
        sum += x6 * right[r + 6 * dim]!;
        sum += x7 * right[r + 7 * dim]!;
        sums[at + d] = sum;
      }
    }
    for (; k < size; k++)
      for (let d = 0; d < dim; d++) sums[at + d]! += left[from + k]! * right[k * dim + d]!;
  }
}
