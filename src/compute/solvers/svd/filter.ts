// Multiplies by a matrix that is followed by a spectral filter, with which recommenders smooth its entries.
//
//   M = A D_b c(P) D_a        A  the matrix, with its scalings      P = A'A      D_b, D_a  diagonal, over the columns
//   c(P) = sum over k of c_k T_k(L),  L = I - 2 P                  T_k  Chebyshev polynomials, T_k = 2 L T_k-1 - T_k-2
//
// M is never computed: a product with M consists of 2 K + 1 products with A. The eigenvalues of P must be in [0, 1],
// which is true if A is normalized by the square roots of its row and column sums. Source: Kim et al. 2025 (ChebyCF,
// arXiv:2505.00552); Mason and Handscomb 2003, Chebyshev Polynomials, 2.4, for the recurrence.

import type { Region } from "../../kernels/shared/memory.js";

export interface ColumnFilter {
  /** coefficients c_k of the polynomial, f64[K + 1], K >= 1 */
  coefficients: Float64Array;
  /** diagonals D_b, applied before the polynomial, and D_a, applied after it: f32[numColumns] each */
  before: Float32Array;
  after: Float32Array;
}

export interface FilterRoom {
  /** three panels f32[numColumns][16]: two Chebyshev polynomials of the vectors, and the weighted sum of all */
  columns: readonly [Region, Region, Region];
  /** panel f32[numRows][16] for products with A */
  rows: Region;
  values(panel: Region): Float32Array;
  /** Writes A X, or A' X for the side "columns". */
  multiply(side: "rows" | "columns", source: Region, target: Region): Promise<void>;
}

/** Multiplies by M (side "rows") or M'; the source, a panel of the other side, is unchanged. */
export async function multiplyFiltered(
  side: "rows" | "columns",
  { coefficients, before, after }: ColumnFilter,
  room: FilterRoom,
  source: Region,
  target: Region,
): Promise<void> {
  const [x] = room.columns;
  if (side === "rows") {
    const sum = await smooth({ coefficients, before, after }, room, source);
    scaleInto(room.values(sum), before, room.values(sum));
    await room.multiply("rows", sum, target);
  } else {
    await room.multiply("columns", source, x);
    scaleInto(room.values(x), before, room.values(x));
    const sum = await polynomial(coefficients, room);
    scaleInto(room.values(target), after, room.values(sum));
  }
}

/**
 * Computes c(P) D_a X of a panel X f32[numColumns][16].
 * @returns the panel of `room.columns` that contains the result
 */
export async function smooth(
  { coefficients, after }: ColumnFilter,
  room: FilterRoom,
  source: Region,
): Promise<Region> {
  scaleInto(room.values(room.columns[0]), after, room.values(source));
  return await polynomial(coefficients, room);
}

/**
 * Computes c(P) times the first panel of `room.columns`.
 * @returns the panel with the result; the others are overwritten
 */
async function polynomial(coefficients: Float64Array, room: FilterRoom): Promise<Region> {
  let [last, next, sum] = room.columns;
  const term = async (k: number, from: Region, to: Region) => {
    // computes to = 2 L from - to (L from in the first step), where L y = y - 2 A'(A y)
    const before = k === 1 ? undefined : Float32Array.from(room.values(to));
    await room.multiply("rows", from, room.rows);
    await room.multiply("columns", room.rows, to);
    const [y, py, total] = [room.values(from), room.values(to), room.values(sum)];
    const c = coefficients[k]!;
    for (let i = 0; i < y.length; i++) {
      const ly = y[i]! - 2 * py[i]!;
      const t = before ? 2 * ly - before[i]! : ly;
      py[i] = t;
      total[i]! += c * t;
    }
  };
  const [first, total] = [room.values(last), room.values(sum)];
  for (let i = 0; i < first.length; i++) total[i] = coefficients[0]! * first[i]!;
  for (let k = 1; k < coefficients.length; k++) {
    await term(k, last, next);
    [last, next] = [next, last];
  }
  return sum;
}

function scaleInto(target: Float32Array, factors: Float32Array, source: Float32Array): void {
  for (let row = 0; row < factors.length; row++) {
    const factor = factors[row]!;
    for (let i = row * 16; i < row * 16 + 16; i++) target[i] = factor * source[i]!;
  }
}
