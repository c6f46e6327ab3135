// Rotates the vectors of a table onto those of an earlier table, and measures how close they are then.
//
//   a, b   vectors of the same keys in the new table and in the earlier table, f32[n][dim]
//   Q      the orthogonal matrix that minimizes sum log(1 + count) |a Q - b|^2; it may reflect
//
// Vectors are neither centered nor scaled, so that dot products do not change, nor the scores that are computed from
// dot products alone. The weights favor frequent keys, whose vectors are well determined; the logarithm prevents a few
// keys from dominating.

import { mapTo } from "../base/numeric/indices.js";
import { log } from "../base/numeric/exp.js";
import { lengthOf } from "../table/retrieval/nearest.js";
import { addRotated, CrossProduct } from "../compute/solvers/rotation.js";

/** Sums from which the rotation of the new vectors onto the earlier ones is computed; vectors are added in portions. */
export class AlignmentSums {
  /** number of keys whose vectors were added */
  numKeys = 0;
  readonly #isCounted: boolean;
  readonly #product: CrossProduct;
  readonly #nearness: NearnessSums;

  /** @param isCounted whether a key has events; if all counts are 0, as in a foreign table, all weights are equal */
  constructor(dim: number, isCounted: boolean) {
    this.#isCounted = isCounted;
    this.#product = new CrossProduct(dim);
    this.#nearness = new NearnessSums(dim);
  }

  /** Adds keys. @param counts [n]: number of events of each key */
  add(from: Float32Array, to: Float32Array, counts: Uint32Array): void {
    const weights = mapTo(Float64Array, counts, (count) => (this.#isCounted ? log(1 + count) : 1));
    this.#product.add(from, to, weights);
    this.#nearness.add(from, to);
    this.numKeys += counts.length;
  }

  /** Returns Q as f64[dim][dim]; undefined if no key has a nonzero vector in both tables. */
  rotation(): number[][] | undefined {
    return this.#nearness.mean() && this.#product.rotation();
  }

  correlation(rotation: readonly number[][]): Correlation {
    const chance = ONE_KEY * Math.sqrt(rotation.length / this.numKeys);
    return { ...this.#product.correlation(rotation), chance };
  }
}

/** Mean singular value of a random matrix, divided by the root of its size. */
const ONE_KEY = 8 / (3 * Math.PI);
/** The chance with two keys per dimension. */
const MOST_CHANCE = ONE_KEY * Math.sqrt(1 / 2);

/** How well rotated vectors match others. */
interface Correlation {
  value: number;
  size: number;
  /** the value for random vectors */
  chance: number;
}

/**
 * Returns how well tables match after the rotation: 1 if they are equal, 0 if no better than random vectors. Undefined
 * if every rotation has fewer than two keys per dimension, and so fits almost any vectors.
 */
export function fitOf(correlations: readonly Correlation[]): number | undefined {
  const known = correlations.filter(({ chance }) => chance <= MOST_CHANCE);
  const [above, most] = [0, 0].map((_, end) =>
    known.reduce((sum, { value, size, chance }) => sum + size * ((end === 0 ? value : 1) - chance), 0),
  ) as [number, number];
  return most > 0 ? above / most : undefined;
}

/** Returns the rows multiplied by a rotation matrix, f32[n * dim]. */
export function rotatedRows(vectors: Float32Array, rotation: readonly number[][]): Float32Array {
  const sums = new Float64Array(vectors.length);
  addRotated(sums, vectors, rotation);
  return Float32Array.from(sums);
}

/** Sums of the cosine and of |a - b| / |b| over rows that are nonzero in both tables; rows are added in portions. */
export class NearnessSums {
  readonly #dim: number;
  #cosine = 0;
  #distance = 0;
  #rows = 0;

  constructor(dim: number) {
    this.#dim = dim;
  }

  /** Adds rows. @param a,b f32[n * dim] */
  add(a: Float32Array, b: Float32Array): void {
    const dim = this.#dim;
    for (let at = 0; at < a.length; at += dim) {
      const [lengthA, lengthB] = [lengthOf(a, at, dim), lengthOf(b, at, dim)];
      if (lengthA === 0 || lengthB === 0) continue;
      let [dot, squares] = [0, 0];
      for (let d = at; d < at + dim; d++) {
        dot += a[d]! * b[d]!;
        squares += (a[d]! - b[d]!) ** 2;
      }
      this.#cosine += dot / (lengthA * lengthB);
      this.#distance += Math.sqrt(squares) / lengthB;
      this.#rows++;
    }
  }

  /** Returns the means; undefined if there are no such rows. */
  mean(): { cosine: number; distance: number } | undefined {
    const rows = this.#rows;
    return rows === 0 ? undefined : { cosine: this.#cosine / rows, distance: this.#distance / rows };
  }
}
