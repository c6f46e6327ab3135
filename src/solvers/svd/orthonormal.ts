// Makes a panel orthonormal, and orthogonal to the panels of a basis.
//
//   Z'Z = D N D      N = P L P'      Z (D^-1 P L^-1/2) has orthonormal columns
//
// The step is repeated until its input is nearly orthonormal. Directions that are lost to rounding are replaced by
// random ones. This happens when a Krylov basis already contains the whole space that its start can reach.
//
// Source: Stathopoulos and Wu 2002 (10.1137/S1064827500370883), algorithm SVQB.

import { draw } from "../../numeric/random.js";
import type { Region } from "../../kernels/shared/memory.js";
import { PANEL } from "../../kernels/svd/binding.js";
import type { MatrixSide, SvdMachine } from "./machine.js";
import { eigenOf } from "./symmetric.js";

/**
 * Threshold relative to the greatest eigenvalue of the normalized inner products, below which eigenvalues are rounding
 * errors.
 */
const LOST = 1e-6;
/**
 * Threshold for the least eigenvalue of the normalized inner products: above it, one more step leaves only rounding
 * errors.
 */
const CLOSE = 0.1;
/**
 * Threshold for the squared length of a column after its component in the basis is removed, relative to the length
 * before. Below it, rounding errors are so large in comparison that the component must be removed once more.
 */
const CANCELLED = 1e-4;
const MAX_STEPS = 12;

/** The panel Z that is to be orthonormalized, with a spare panel as a buffer. */
export interface Pending {
  panel: Region;
  spare: Region;
  /** greatest squared length of a column before its component in the basis was removed */
  squaredLength: number;
}

export interface Orthonormal {
  panel: Region;
  spare: Region;
  /** factor R of the decomposition Z = Q R, f64[16][16]; rows of random directions are zero */
  r: Float64Array;
}

/**
 * Makes the columns of `pending.panel` orthonormal, and orthogonal to an orthonormal basis.
 *
 * @param key key of the random numbers
 */
export async function orthonormalize(
  machine: SvdMachine,
  side: MatrixSide,
  basis: readonly Region[],
  pending: Pending,
  key: number,
): Promise<Orthonormal> {
  let { panel, spare } = pending;
  let r = identity();
  for (let step = 0; step < MAX_STEPS; step++) {
    const gram = await machine.crossProducts(side, [panel], panel);
    // lengths of columns are compared with the greatest length before components in the basis were removed; after the
    // first step, with 1, because lengths are then close to 1
    const { coefficientAt, inverseAt, isAlive, least, shortest } = whitening(
      gram,
      step === 0 ? pending.squaredLength : 1,
    );
    await machine.combine(side, [panel], coefficientAt, [spare]);
    [panel, spare] = [spare, panel];
    r = product(inverseAt, r);
    const isWhole = isAlive.every(Boolean);
    if (step > 0 && isWhole && least > CLOSE) break;

    // replaces lost directions, and removes components in the basis that rounding has added
    isAlive.forEach((lives, j) => lives || machine.fillRandom(side, panel, j, draw(key, step * PANEL + j)));
    const isCancelled = step === 0 && least * shortest < CANCELLED * pending.squaredLength;
    if (basis.length === 0 || (isWhole && !isCancelled)) continue;
    const back = await machine.crossProducts(side, basis, panel);
    await machine.combine(side, basis, (i, j) => -back[i * PANEL + j]!, [panel], true);
  }
  return { panel, spare, r };
}

/** Returns the transformation that makes the columns of the panel Z orthonormal, from their inner products. */
function whitening(gram: Float64Array, squaredLength: number) {
  const squared = Float64Array.from({ length: PANEL }, (_, i) => gram[i * PANEL + i]!);
  const lengths = squared.map((x) => (x > LOST * LOST * squaredLength ? Math.sqrt(x) : 0));
  const normalized = gram.map((x, at) => {
    const both = lengths[Math.floor(at / PANEL)]! * lengths[at % PANEL]!;
    return both === 0 ? 0 : x / both;
  });
  const { values, vectors } = eigenOf(normalized, PANEL);
  const isAlive = Array.from(values, (value) => value > LOST * values[0]! && value > 0);
  const has = (i: number, j: number) => isAlive[j]! && lengths[i]! > 0;
  return {
    /**
     * returns element (i, j) of D^-1 P L^-1/2: Z times this matrix has orthonormal columns. D has the lengths of Z's
     * columns, L and P the eigenvalues and eigenvectors of their cosines
     */
    coefficientAt: (i: number, j: number) =>
      has(i, j) ? vectors[i * PANEL + j]! / (lengths[i]! * Math.sqrt(values[j]!)) : 0,
    /**
     * returns element (j, i) of L^1/2 P' D, the inverse of the matrix D^-1 P L^-1/2 that makes the columns of Z
     * orthonormal
     */
    inverseAt: (j: number, i: number) =>
      has(i, j) ? Math.sqrt(values[j]!) * vectors[i * PANEL + j]! * lengths[i]! : 0,
    /** true for each eigenvector whose eigenvalue exceeds rounding errors; other directions of Z are lost */
    isAlive,
    least: values.at(-1)!,
    shortest: squared.reduce((x, y) => Math.min(x, y), Infinity),
  };
}

function identity(): Float64Array {
  return Float64Array.from({ length: PANEL * PANEL }, (_, at) =>
    Math.floor(at / PANEL) === at % PANEL ? 1 : 0,
  );
}

function product(leftAt: (i: number, j: number) => number, right: Float64Array): Float64Array {
  return Float64Array.from({ length: PANEL * PANEL }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < PANEL; k++)
      sum += leftAt(Math.floor(at / PANEL), k) * right[k * PANEL + (at % PANEL)]!;
    return sum;
  });
}
