// Compares two sets of vectors of the same keys up to a rotation.
//
//   a, b     rows of the two, f32[n][dim]
//   overlap  mean over rows of |N_a and N_b| / k, where N_a and N_b are the k nearest other rows by cosine
//   Q        the orthogonal matrix that minimizes sum |a Q - b|^2 (orthogonal Procrustes)
//   displacement   1 - cos(a Q, b) of a row: 0 if the direction is the same, 1 at a right angle
//
// Vectors of two trainings may differ by a rotation, which affects no score, so the rotation is applied before rows are
// compared. Neighbors do not depend on it, and can be compared even if the dimensions differ.

import { vectorsOfRows, type TableRows } from "../table/rows.js";
import { NO_ITEM } from "../compute/kernels/top-items/binding.js";
import { lengthOf, nearestRows } from "../table/retrieval/nearest.js";
import { addRotated, CrossProduct } from "../compute/solvers/rotation.js";
import { pairedVectors, type SharedRows, type VectorPairs } from "./shared-rows.js";

const ROTATED_ROWS = 4096;

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

export interface NeighborComparison {
  k: number;
  /** rows whose neighbors among each other are compared, because the time grows with their square; by default all */
  among?: SharedRows | undefined;
  threads: number;
  signal?: AbortSignal | undefined;
}

/** Compares the vectors of the keys that two tables share; memory has them in blocks. */
export async function diffVectors(
  a: TableRows,
  b: TableRows,
  shared: SharedRows,
  how: NeighborComparison,
): Promise<VectorsDiff> {
  const n = shared.inA.length;
  const pairs = pairedVectors(a, b, shared);
  const isComparable = n >= 2 && a.dim === b.dim;
  const product = new CrossProduct(a.dim);
  let [sumA, sumB] = [0, 0];
  for await (const block of pairs()) {
    how.signal?.throwIfAborted();
    sumA = addedLengths(sumA, block.a, a.dim);
    sumB = addedLengths(sumB, block.b, b.dim);
    if (isComparable) product.add(block.a, block.b, new Float64Array(block.a.length / a.dim).fill(1));
  }
  const mean = (sum: number, { dim }: TableRows) => (n === 0 ? 0 : (sum * dim) / (n * dim));
  const norms = { a: mean(sumA, a), b: mean(sumB, b) };
  if (n < 2) return { norms };
  const neighborOverlap = await overlapOf(a, b, how.among ?? shared, how);
  if (!isComparable) return { norms, neighborOverlap };
  const rotation = product.rotation();
  const byRow = new Float64Array(n);
  for await (const block of pairs()) {
    how.signal?.throwIfAborted();
    putDisplacements(byRow, block, rotation);
  }
  const sorted = byRow.filter((value) => !Number.isNaN(value)).sort();
  if (sorted.length === 0) return { norms, neighborOverlap };
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!;
  const total = sorted.reduce((sum, value) => sum + value, 0);
  return {
    norms,
    neighborOverlap,
    displacement: { mean: total / sorted.length, median: at(0.5), p90: at(0.9) },
    byRow,
  };
}

async function overlapOf(
  a: TableRows,
  b: TableRows,
  { inA, inB }: SharedRows,
  { k, ...how }: NeighborComparison,
): Promise<number> {
  const n = inA.length;
  const most = Math.min(k, n - 1);
  const near = await nearestRows(await vectorsOfRows(a, inA), a.dim, most, how);
  const other = await nearestRows(await vectorsOfRows(b, inB), b.dim, most, how);
  let shared = 0;
  for (let row = 0; row < n; row++) {
    const own = new Set(near.subarray(row * most, (row + 1) * most));
    for (const found of other.subarray(row * most, (row + 1) * most)) {
      if (found !== NO_ITEM && own.has(found)) shared++;
    }
  }
  return shared / (n * most);
}

/** Returns a sum plus the lengths of rows, added one after another. */
function addedLengths(sum: number, vectors: Float32Array, dim: number): number {
  for (let at = 0; at < vectors.length; at += dim) sum += lengthOf(vectors, at, dim);
  return sum;
}

/** Writes 1 minus the cosine of each row of `b` and the same row of `a` times the rotation. */
function putDisplacements(byRow: Float64Array, { first, a, b }: VectorPairs, rotation: number[][]): void {
  const dim = rotation.length;
  const portion = ROTATED_ROWS * dim;
  for (let start = 0; start < a.length; start += portion) {
    const rows = a.subarray(start, start + portion);
    const rotated = new Float64Array(rows.length);
    addRotated(rotated, rows, rotation);
    for (let row = 0; row < rows.length; row += dim) {
      let [dot, squares] = [0, 0];
      for (let d = 0; d < dim; d++) {
        dot += rotated[row + d]! * b[start + row + d]!;
        squares += rotated[row + d]! * rotated[row + d]!;
      }
      // a zero row gives 0 / 0 = NaN; rounding may give a cosine above 1
      const cosine = dot / (Math.sqrt(squares) * lengthOf(b, start + row, dim));
      byRow[first + (start + row) / dim] = Math.max(0, 1 - cosine);
    }
  }
}

/** Maximum displacement that is attributed to rounding errors of rotated f32 vectors. */
const ROUNDING = 1e-6;

/** Returns the positions of the `top` greatest displacements beyond rounding, in descending order. */
export function greatest(byRow: Float64Array = new Float64Array(0), top: number): number[] {
  const beyond = byRow.filter((value) => value > ROUNDING).sort();
  const least = beyond[Math.max(0, beyond.length - top)] ?? Infinity;
  const found: number[] = [];
  byRow.forEach((value, i) => value >= least && found.push(i));
  return found.sort((i, j) => byRow[j]! - byRow[i]! || i - j).slice(0, top);
}
