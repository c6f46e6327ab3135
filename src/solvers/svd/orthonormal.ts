// A panel made orthonormal, and orthogonal to those of a basis.
//
//   Z'Z = D N D      N = P L P'      Z (D^-1 P L^-1/2) has orthonormal columns
//
// until the panel was orthonormal before the step. Directions that rounding has left nothing of are replaced by random ones: the
// columns of a Krylov basis come to depend on one another when it holds all that the start can reach.
//
// Source: Stathopoulos and Wu 2002 (10.1137/S1064827500370883), algorithm SVQB.

import { draw, signedDraw } from "../../numeric/random.js";
import type { Region } from "../../kernels/shared/memory.js";
import { PANEL } from "../../kernels/svd/binding.js";
import type { Side, SvdMachine } from "./machine.js";
import { eigenOf } from "./symmetric.js";

/** Of the greatest eigenvalue of N: what is below is rounding. */
const LOST = 1e-6;
/** Nearly orthonormal already: the step that follows leaves an error of rounding. */
const CLOSE = 0.1;
/** Of a column's squared length, left when it was made orthogonal to the basis: with less, rounding points back into the basis. */
const CANCELLED = 1e-4;
const MAX_STEPS = 12;

/** The panel Z that is to be made orthonormal, with room for another. */
export interface Pending {
  panel: Region;
  spare: Region;
  /** greatest squared length of its columns before they were made orthogonal to the basis */
  squaredLength: number;
}

export interface Orthonormal {
  panel: Region;
  spare: Region;
  /** R of Z = Q R, f64[16][16]; rows of zeros for random directions */
  r: Float64Array;
}

/**
 * Makes the columns of `pending.panel` orthonormal, and orthogonal to an orthonormal basis.
 *
 * @param key names the random directions
 */
export async function orthonormalize(
  machine: SvdMachine,
  side: Side,
  basis: readonly Region[],
  pending: Pending,
  key: number,
): Promise<Orthonormal> {
  let { panel, spare } = pending;
  let r = identity();
  for (let step = 0; step < MAX_STEPS; step++) {
    const gram = await machine.crossProducts(side, [panel], panel);
    // the first panel is compared with its own length, later ones are of length about 1
    const { coefficientAt, inverseAt, isAlive, least, shortest } = whitening(
      gram,
      step === 0 ? pending.squaredLength : 1,
    );
    await machine.combine(side, [panel], coefficientAt, [spare]);
    [panel, spare] = [spare, panel];
    r = product(inverseAt, r);
    const isWhole = isAlive.every(Boolean);
    if (step > 0 && isWhole && least > CLOSE) break;

    // what was lost is replaced, and what rounding has turned back into the basis is taken off
    isAlive.forEach((lives, j) => lives || fillRandom(machine, side, panel, j, draw(key, step * PANEL + j)));
    const isCancelled = step === 0 && least * shortest < CANCELLED * pending.squaredLength;
    if (basis.length === 0 || (isWhole && !isCancelled)) continue;
    const back = await machine.crossProducts(side, basis, panel);
    await machine.combine(side, basis, (i, j) => -back[i * PANEL + j]!, [panel], true);
  }
  return { panel, spare, r };
}

/** What makes the columns of Z orthonormal, by their products with one another. */
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
    /** D^-1 P L^-1/2 */
    coefficientAt: (i: number, j: number) =>
      has(i, j) ? vectors[i * PANEL + j]! / (lengths[i]! * Math.sqrt(values[j]!)) : 0,
    /** L^1/2 P' D */
    inverseAt: (j: number, i: number) =>
      has(i, j) ? Math.sqrt(values[j]!) * vectors[i * PANEL + j]! * lengths[i]! : 0,
    /** whether anything is left of each direction */
    isAlive,
    least: values.at(-1)!,
    shortest: squared.reduce((x, y) => Math.min(x, y), Infinity),
  };
}

/** Writes draws between -1 and 1 to a column of a panel. */
export function fillRandom(
  machine: SvdMachine,
  side: Side,
  panel: Region,
  column: number,
  key: number,
): void {
  const values = machine.values(panel);
  const length = machine.lengthOf(side);
  for (let i = 0; i < length; i++) values[i * PANEL + column] = signedDraw(key, i);
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
