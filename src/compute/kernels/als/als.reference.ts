// Alternating least squares for implicit feedback in plain f64: the definition of correct for assembly/main.ts.
//
//   objective   sum over events of c (1 - s)^2  +  a sum over all pairs of s^2  +  sum over rows of p |w|^2
//   score       s = <w, h>
//
// Source: Hu, Koren and Volinsky 2008 (doi:10.1109/ICDM.2008.22); Rendle et al. 2021 (arXiv:2110.14037), eq. 1; solved
// by blocks of dimensions as in iALS++ (arXiv:2110.14044), algorithm 1.

import type { SparseRows } from "./binding.js";

/** A dense matrix, f64[numRows][dim], row-major. */
export interface ReferenceMatrix {
  dim: number;
  data: Float64Array;
}

const rowOf = ({ dim, data }: ReferenceMatrix, r: number): Float64Array =>
  data.subarray(r * dim, (r + 1) * dim);

function dot(x: Float64Array, y: Float64Array): number {
  return x.reduce((sum, value, d) => sum + value * y[d]!, 0);
}

/** Returns the Gram matrix M'M, f64[dim][dim]. */
export function referenceGram(matrix: ReferenceMatrix): Float64Array {
  const { dim, data } = matrix;
  const gram = new Float64Array(dim * dim);
  for (let r = 0; r < data.length / dim; r++) {
    const row = rowOf(matrix, r);
    for (let i = 0; i < dim; i++) for (let j = 0; j < dim; j++) gram[i * dim + j]! += row[i]! * row[j]!;
  }
  return gram;
}

export interface ReferenceAlsOptions {
  /** weight a of unobserved pairs: the factor of the squared score of every pair of rows */
  unobservedWeight: number;
  /** f64[numRows]: L2 penalty p of each row; a row with p < 0 is not updated */
  penalties: ArrayLike<number>;
  /** number of dimensions of a row's vector that are solved together */
  block: number;
}

/**
 * Updates every row of W with H fixed, one block of dimensions after another; a block uses the new values of the row's
 * earlier blocks.
 */
export function referenceSolve(
  W: ReferenceMatrix,
  H: ReferenceMatrix,
  events: SparseRows,
  { unobservedWeight, penalties, block }: ReferenceAlsOptions,
): void {
  const { dim } = W;
  const G = referenceGram(H).map((g) => unobservedWeight * g);
  for (let r = 0; r + 1 < events.indptr.length; r++) {
    if (penalties[r]! < 0) continue;
    const w = rowOf(W, r);
    for (let from = 0; from < dim; from += block) {
      const width = Math.min(block, dim - from);
      const A = new Float64Array(width * width);
      const g = new Float64Array(width);
      for (let i = 0; i < width; i++) {
        g[i] = dot(G.subarray((from + i) * dim, (from + i + 1) * dim), w) + penalties[r]! * w[from + i]!;
        for (let j = 0; j < width; j++) A[i * width + j] = G[(from + i) * dim + from + j]!;
        A[i * width + i]! += penalties[r]!;
      }
      for (let e = events.indptr[r]!; e < events.indptr[r + 1]!; e++) {
        const h = rowOf(H, events.indices[e]!);
        const c = events.values?.[e] ?? 1;
        const gradient = c * (dot(w, h) - 1);
        for (let i = 0; i < width; i++) {
          g[i]! += gradient * h[from + i]!;
          for (let j = 0; j < width; j++) A[i * width + j]! += c * h[from + i]! * h[from + j]!;
        }
      }
      referenceCholeskySolve(A, g).forEach((step, i) => (w[from + i]! -= step));
    }
  }
}

/** Returns A^-1 g by Cholesky factorization; the step is 0 in a direction whose pivot is not above 0. Overwrites A. */
function referenceCholeskySolve(A: Float64Array, g: Float64Array): Float64Array {
  const n = g.length;
  const x = Float64Array.from(g);
  const inverses = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    inverses[i] = A[i * n + i]! > 0 ? 1 / Math.sqrt(A[i * n + i]!) : 0;
    for (let j = i; j < n; j++) A[i * n + j]! *= inverses[i]!;
    for (let r = i + 1; r < n; r++) {
      for (let j = r; j < n; j++) A[r * n + j]! -= A[i * n + r]! * A[i * n + j]!;
    }
    x[i]! *= inverses[i]!;
    for (let r = i + 1; r < n; r++) x[r]! -= A[i * n + r]! * x[i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let j = i + 1; j < n; j++) x[i]! -= A[i * n + j]! * x[j]!;
    x[i]! *= inverses[i]!;
  }
  return x;
}

/**
 * Returns the objective including the penalties of both matrices, computed from its definition in O(numRows numColumns
 * dim).
 */
export function referenceObjective(
  W: ReferenceMatrix,
  H: ReferenceMatrix,
  events: SparseRows,
  unobservedWeight: number,
  [penaltiesW, penaltiesH]: readonly [ArrayLike<number>, ArrayLike<number>],
): number {
  const [numRows, numColumns] = [W.data.length / W.dim, H.data.length / H.dim];
  let sum = 0;
  for (let r = 0; r < numRows; r++) {
    const w = rowOf(W, r);
    for (let c = 0; c < numColumns; c++) sum += unobservedWeight * dot(w, rowOf(H, c)) ** 2;
    for (let e = events.indptr[r]!; e < events.indptr[r + 1]!; e++) {
      sum += (events.values?.[e] ?? 1) * (1 - dot(w, rowOf(H, events.indices[e]!))) ** 2;
    }
    sum += penaltiesW[r]! * dot(w, w);
  }
  for (let c = 0; c < numColumns; c++) sum += penaltiesH[c]! * dot(rowOf(H, c), rowOf(H, c));
  return sum;
}
