// Compares two sets of vectors of the same keys up to a rotation.
//
//   a, b     rows of the two, f32[n][dim]
//   overlap  mean over rows of |N_a and N_b| / k, where N_a and N_b are the k nearest other rows by cosine
//   Q        the orthogonal matrix that minimizes sum |a Q - b|^2 (orthogonal Procrustes)
//   displacement   1 - cos(a Q, b) of a row: 0 if the direction is the same, 1 at a right angle
//
// Vectors of two trainings may differ by a rotation, which affects no score, so the rotation is applied before rows are
// compared. Neighbors do not depend on it, and can be compared even if the dimensions differ.

import { mapTo } from "../numeric/indices.js";
import { NO_ITEM } from "../kernels/top-items/binding.js";
import { lengthOf, nearestRows } from "../retrieval/nearest.js";
import { addRotated, rotationOnto } from "../solvers/rotation.js";

export interface VectorsDiff {
  /** mean length of the vectors in each of the two sets */
  norms: { a: number; b: number };
  /** mean overlap of neighbors, in [0, 1]; absent for fewer than two rows */
  neighborOverlap?: number;
  /** displacement of rows that are nonzero in both sets; absent if dimensions differ or there are no such rows */
  displacement?: { mean: number; median: number; p90: number };
  /** f64[n]: displacement of the vector of each key, NaN if one of its two vectors is zero */
  byRow?: Float64Array;
}

/** Compares two sets of vectors. @param a,b f32[n * dim]: vectors of the same keys in the same order */
export async function diffVectors(
  a: Float32Array,
  b: Float32Array,
  [dimA, dimB]: [number, number],
  k: number,
  how: { threads: number; signal?: AbortSignal },
): Promise<VectorsDiff> {
  const n = a.length / dimA;
  const norms = { a: meanLength(a, dimA), b: meanLength(b, dimB) };
  if (n < 2) return { norms };
  const most = Math.min(k, n - 1);
  const [near, other] = [await nearestRows(a, dimA, most, how), await nearestRows(b, dimB, most, how)];
  let shared = 0;
  for (let row = 0; row < n; row++) {
    const own = new Set(near.subarray(row * most, (row + 1) * most));
    for (const found of other.subarray(row * most, (row + 1) * most)) {
      if (found !== NO_ITEM && own.has(found)) shared++;
    }
  }
  const neighborOverlap = shared / (n * most);
  if (dimA !== dimB) return { norms, neighborOverlap };
  const byRow = displacements(a, b, dimA);
  const sorted = byRow.filter((value) => !Number.isNaN(value)).sort();
  if (sorted.length === 0) return { norms, neighborOverlap };
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!;
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return { norms, neighborOverlap, displacement: { mean, median: at(0.5), p90: at(0.9) }, byRow };
}

function meanLength(vectors: Float32Array, dim: number): number {
  let sum = 0;
  for (let at = 0; at < vectors.length; at += dim) sum += lengthOf(vectors, at, dim);
  return vectors.length === 0 ? 0 : (sum * dim) / vectors.length;
}

/** Returns f64[n]: 1 minus the cosine of each row of `b` and the same row of `a`, which is rotated to match `b`. */
function displacements(a: Float32Array, b: Float32Array, dim: number): Float64Array {
  const n = a.length / dim;
  const rotated = new Float64Array(a.length);
  addRotated(rotated, a, rotationOnto(a, b, new Float64Array(n).fill(1), dim));
  return mapTo(Float64Array, { length: n }, (_, row) => {
    let [dot, squares] = [0, 0];
    for (let at = row * dim; at < (row + 1) * dim; at++) {
      dot += rotated[at]! * b[at]!;
      squares += rotated[at]! * rotated[at]!;
    }
    // a zero row gives 0 / 0 = NaN; rounding may give a cosine above 1
    return Math.max(0, 1 - dot / (Math.sqrt(squares) * lengthOf(b, row * dim, dim)));
  });
}
