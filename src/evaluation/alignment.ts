// Vectors of one table rotated onto those of an earlier one: how, and how near they are.
//
//   a, b   vectors of the same keys in the new table and in the earlier one, f32[n][dim]
//   Q      the orthogonal matrix of the least sum log(1 + count) |a Q - b|^2; it may reflect
//
// Nothing is centred or scaled, so that dot products, and with them every score that depends on vectors by dot products alone, stay as
// they are. The weight lets frequent keys, whose vectors are well determined, decide, without leaving it to the few most frequent.

import { mapTo } from "../numeric/indices.js";
import { log } from "../numeric/exp.js";
import { lengthOf } from "../retrieval/nearest.js";
import { addRotated, rotationOnto } from "../solvers/rotation.js";

/** Q as f64[dim][dim]. @param counts [n], of events, of the keys; where none has any, as in a foreign table, each weighs the same */
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

/** Rows times Q, f32[n * dim]. */
export function rotatedRows(vectors: Float32Array, rotation: readonly number[][]): Float32Array {
  const sums = new Float64Array(vectors.length);
  addRotated(sums, vectors, rotation);
  return Float32Array.from(sums);
}

/** Mean cosine and mean |a - b| / |b| over rows that are zero in neither; undefined where there are none. */
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
