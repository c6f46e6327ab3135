// The rows of a ranking model's features in shared memory: vectors, weights and optimizer state.

import type { FactorStart } from "../../factors/warm-start.js";
import type { RankingLayout, RankingShape } from "../../kernels/ranking/binding.js";
import { FeatureVectors } from "../../kernels/ranking/tables.js";
import type { Arena } from "../../kernels/shared/memory.js";

/**
 * Reads and changes rows. The arrays that it returns are views, except for vectors that are divided among several
 * tables.
 */
export class RankingRows {
  readonly #layout: RankingLayout;
  readonly #shape: RankingShape;
  readonly #vectors: FeatureVectors;
  readonly #weights: Float32Array;
  readonly #moments: Float32Array | undefined;

  constructor(arena: Arena, layout: RankingLayout, shape: RankingShape) {
    this.#layout = layout;
    this.#shape = shape;
    this.#vectors = new FeatureVectors(arena, layout.vectors);
    this.#weights = arena.f32(layout.weights);
    this.#moments = layout.moments && arena.f32(layout.moments);
  }

  /** Number of rows. */
  get count(): number {
    return this.#layout.weights.bytes / this.#layout.weightStride;
  }

  vectorOf(row: number): Float32Array {
    return this.#vectors.read(row).subarray(0, this.#shape.dim);
  }

  /** Returns the optimizer state of a row's vector. */
  keptOf(row: number, numbers = this.#vectors.read(row)): Float32Array {
    const { slices, momentStride, kept } = this.#layout;
    const [from, first] = [(row * momentStride) / 4, 8 * slices];
    return this.#moments
      ? this.#moments.subarray(from, from + kept.vector)
      : numbers.subarray(first, first + kept.vector);
  }

  /** Returns a row's weight and its optimizer state. */
  weightsOf(row: number): Float32Array {
    const from = (row * this.#layout.weightStride) / 4;
    return this.#weights.subarray(from, from + 1 + this.#layout.kept.weight);
  }

  /** Returns the sum of the squares of the vectors of consecutive rows. */
  squares(first: number, end: number): number {
    let sum = 0;
    for (let row = first; row < end; row++) sum += this.#vectors.squares(row, this.#shape.dim);
    return sum;
  }

  /**
   * Replaces the initial vector of a feature that the run of --init knows. An all-zero vector was never trained and
   * keeps its random initialization, unless it is frozen. Frozen features take no step.
   *
   * @param row row of the feature
   */
  startFrom({ known, w, vectors, freezes, optimizer }: FactorStart, feature: number, row: number): void {
    if (!known[feature]) return;
    const { dim, cosine, method } = this.#shape;
    const { kept, slices } = this.#layout;
    const v = vectors.subarray(feature * dim, (feature + 1) * dim);
    if (!freezes && w[feature] === 0 && squaresOf(v) === 0) return;
    const own = this.weightsOf(row);
    own[0] = w[feature]!;
    const numbers = this.#vectors.read(row);
    const [vector, sums] = [numbers.subarray(0, dim), this.keptOf(row, numbers)];
    vector.set(v);
    if (optimizer) {
      sums.set(optimizer.vectors.subarray(feature * kept.vector, (feature + 1) * kept.vector));
      if (cosine) vector.forEach((x, d) => (vector[d] = x * optimizer.w[feature]!));
      else own.set(optimizer.w.subarray(feature * kept.weight, (feature + 1) * kept.weight), 1);
    }
    if (freezes) {
      // a step is divided by the root of AdaGrad's sum, or of Adam's second moment, which is stored after the first
      // moment
      if (method === "adam") sums.fill(Infinity, 8 * slices, 16 * slices);
      else sums.fill(Infinity);
      own[method === "adam" ? 2 : 1] = Infinity;
    }
    this.#vectors.write(row, numbers);
  }
}

/** Returns the sum of the squares of a vector's numbers. */
export function squaresOf(v: Float32Array): number {
  let squares = 0;
  for (let d = 0; d < v.length; d++) squares += v[d]! * v[d]!;
  return squares;
}
