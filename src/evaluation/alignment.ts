// Rotates the vectors of a table onto those of an earlier table, and measures how close they are then.
//
//   a, b   vectors of the same keys in the new table and in the earlier table, f32[n][dim]
//   Q      the orthogonal matrix that minimizes sum log(1 + count) |a Q - b|^2; it may reflect
//
// Vectors are neither centered nor scaled, so that dot products do not change, nor the scores that are computed from
// dot products alone. The weights favor frequent keys, whose vectors are well determined; the logarithm prevents a few
// keys from dominating.

import { mapTo } from "../numeric/indices.js";
import { log } from "../numeric/exp.js";
import { lengthOf } from "../retrieval/nearest.js";
import { addRotated, rotationOnto } from "../solvers/rotation.js";

/**
 * Returns the rotation Q that brings the vectors of the new table closest to those of the earlier one, f64[dim][dim].
 *
 * @param counts [n]: number of events of each key; if all are 0, as in a foreign table, all keys have the same weight
 */
export function alignmentRotation(
  from: Float32Array,
  to: Float32Array,
  counts: Uint32Array,
  dim: number,
): number[][] {
  const isCounted = counts.some((count) => count > 0);
  return rotationOnto(
    from,
    to,
    mapTo(Float64Array, counts, (count) => (isCounted ? log(1 + count) : 1)),
    dim,
  );
}

/** Returns the rows multiplied by a rotation matrix, f32[n * dim]. */
export function rotatedRows(vectors: Float32Array, rotation: readonly number[][]): Float32Array {
  const sums = new Float64Array(vectors.length);
  addRotated(sums, vectors, rotation);
  return Float32Array.from(sums);
}

/** Returns the mean cosine and the mean |a - b| / |b| over rows that are nonzero in both tables, if there are any. */
export function nearnessOf(
  a: Float32Array,
  b: Float32Array,
  dim: number,
): { cosine: number; distance: number } | undefined {
  let [cosine, distance, rows] = [0, 0, 0];
  for (let at = 0; at < a.length; at += dim) {
    const [lengthA, lengthB] = [lengthOf(a, at, dim), lengthOf(b, at, dim)];
    if (lengthA === 0 || lengthB === 0) continue;
    let [dot, squares] = [0, 0];
    for (let d = at; d < at + dim; d++) {
      dot += a[d]! * b[d]!;
      squares += (a[d]! - b[d]!) ** 2;
    }
    cosine += dot / (lengthA * lengthB);
    distance += Math.sqrt(squares) / lengthB;
    rows++;
  }
  return rows === 0 ? undefined : { cosine: cosine / rows, distance: distance / rows };
}
