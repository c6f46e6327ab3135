// Computes the leading singular vectors of one side by block Lanczos iteration with thick restarts on B = A A' (or A'A,
// on the shorter side).
//
//   basis [Q_1 .. Q_p]   orthonormal panels of sixteen   T = basis' B basis, a column of blocks for each product with B
//   Z = B Q_p - basis (basis' B Q_p) = Q_p+1 R              the component of B Q_p orthogonal to the basis
//
// When the basis is full, T = P W P': W approximates eigenvalues of B, and basis P its eigenvectors, with residuals |R
// P_last|. If the residuals are too large, the leading eigenvectors and Q_p+1 form the basis of the next iteration. A
// block Krylov space converges much faster than subspace iteration with as many products. The whole basis is kept
// orthogonal, so that no eigenvalue is found twice.
//
// Source: Musco and Musco 2015 (arXiv:1504.05477), algorithm 2, for the start and the space; Wu and Simon 2000
// (10.1137/S0895479898334605) for the restart; Golub and Van Loan 2013, section 10.3.6, for blocks.

import type { Region } from "../../kernels/shared/memory.js";
import { draw } from "../../../base/numeric/random.js";
import { PANEL } from "../../kernels/svd/binding.js";
import { otherSide, type MatrixSide, type SvdMachine } from "./machine.js";
import { eigenOf, type Eigen } from "./symmetric.js";

interface LanczosOptions {
  /** number of eigenvectors to compute */
  dim: number;
  /** maximum residual relative to its eigenvalue */
  tolerance: number;
  seed: number;
}

interface LanczosResult {
  /** eigenvectors of B = A A' (or A'A) in descending order of eigenvalue; at least `dim` */
  vectors: Region[];
  restarts: number;
  /** largest residual of the first `dim` eigenvectors, relative to the eigenvalue */
  residual: number;
}

/** If the iteration has not converged after as many restarts, its residual is reported. */
const MAX_RESTARTS = 40;
/** Rounding error of a residual, relative to the greatest eigenvalue. */
const ROUNDING = 1e-6;

/** Returns the number of panels of the basis if `dim` eigenvectors are requested. */
export function basisPanels(dim: number): number {
  return Math.ceil((dim + Math.min(Math.max(2 * dim, 6 * PANEL), 16 * PANEL)) / PANEL);
}

export async function lanczos(
  machine: SvdMachine,
  side: MatrixSide,
  { dim, tolerance, seed }: LanczosOptions,
): Promise<LanczosResult> {
  const numPanels = basisPanels(dim);
  const size = numPanels * PANEL;
  // keeps one panel more than requested, because the last requested vectors then converge faster
  const kept = Math.ceil(dim / PANEL) + 1;
  const across = machine.panel(otherSide(side));
  const free = Array.from({ length: numPanels + 2 }, () => machine.panel(side));

  // multiplies the random start once, which removes directions that A maps to 0
  for (let j = 0; j < PANEL; j++) machine.fillRandom(otherSide(side), across, j, draw(seed, j));
  const start = free.pop()!;
  await machine.multiply(side, across, start);
  const basis: Region[] = [];
  const T = new Float64Array(size * size);
  let key = 0;
  const orthonormal = async (pending: Omit<Pending, "spare">) => {
    const found = await orthonormalize(
      machine,
      side,
      basis,
      { ...pending, spare: free.pop()! },
      draw(~seed, ++key),
    );
    free.push(found.spare);
    return found;
  };
  let { panel: next } = await orthonormal({ panel: start, squaredLength: Number.MIN_VALUE });
  for (let restarts = 0; ; restarts++) {
    let r: Float64Array = new Float64Array();
    while (basis.length < numPanels) {
      basis.push(next);
      await machine.multiply(otherSide(side), next, across);
      const Z = free.pop()!;
      await machine.multiply(side, across, Z);
      const products = await machine.crossProducts(side, basis, Z);
      putBlock(T, size, basis.length - 1, products);
      await machine.combine(side, basis, (i, j) => -products[i * PANEL + j]!, [Z], true);
      ({ panel: next, r } = await orthonormal({ panel: Z, squaredLength: greatestSquare(products) }));
    }

    const eigen = eigenOf(T, size);
    const residuals = residualsOf(eigen, r).subarray(0, dim);
    const isDone = residuals.every((x, i) => x <= tolerance * eigen.values[i]! + ROUNDING * eigen.values[0]!);
    const numKept = isDone || restarts === MAX_RESTARTS ? Math.ceil(dim / PANEL) : kept;
    const vectors = basis.slice(0, numKept);
    await machine.combine(side, basis, (i, j) => eigen.vectors[i * size + j]!, vectors);
    if (numKept !== kept) {
      const residual = residuals.reduce((most, x, i) => Math.max(most, x / eigen.values[i]!), 0);
      return { vectors, restarts, residual };
    }
    free.push(...basis.splice(kept));
    T.fill(0);
    for (let i = 0; i < kept * PANEL; i++) T[i * size + i] = eigen.values[i]!;
  }
}

/** Like `lanczos`, for a matrix with a small side: starts with all unit vectors, so that no iteration is needed. */
export async function wholeSpace(machine: SvdMachine, side: MatrixSide, dim: number): Promise<Region[]> {
  const other = otherSide(side);
  const numPanels = Math.ceil(machine.lengthOf(side) / PANEL);
  const size = numPanels * PANEL;
  const basis = Array.from({ length: numPanels }, () => machine.panel(side));
  for (const [p, panel] of basis.entries()) {
    const unit = machine.values(panel);
    for (let j = 0; j < Math.min(PANEL, machine.lengthOf(side) - p * PANEL); j++)
      unit[(p * PANEL + j) * PANEL + j] = 1;
  }
  const products: Region[] = [];
  const T = new Float64Array(size * size);
  for (const panel of basis) {
    const product = machine.panel(other);
    await machine.multiply(other, panel, product);
    products.push(product);
    putBlock(T, size, products.length - 1, await machine.crossProducts(other, products, product));
  }
  const { vectors } = eigenOf(T, size);
  const found = basis.slice(0, Math.ceil(dim / PANEL));
  await machine.combine(side, basis, (i, j) => vectors[i * size + j]!, found);
  return found;
}

/** Writes the last block of columns of T, on and above the diagonal. */
function putBlock(T: Float64Array, size: number, block: number, products: Float64Array): void {
  for (let i = 0; i < products.length / PANEL; i++) {
    for (let j = 0; j < PANEL; j++) T[i * size + block * PANEL + j] = products[i * PANEL + j]!;
  }
}

/**
 * Returns the greatest squared length of the projections of columns onto an orthonormal basis, from their inner
 * products.
 */
function greatestSquare(products: Float64Array): number {
  const squares = new Float64Array(PANEL);
  products.forEach((x, at) => (squares[at % PANEL]! += x * x));
  return squares.reduce((x, y) => Math.max(x, y), Number.MIN_VALUE);
}

/** Returns the residual of each approximate eigenvector: the length of R times its last 16 numbers. */
function residualsOf({ size, vectors }: Eigen, r: Float64Array): Float64Array {
  return Float64Array.from({ length: size }, (_, e) => {
    let square = 0;
    for (let i = 0; i < PANEL; i++) {
      let sum = 0;
      for (let j = 0; j < PANEL; j++) sum += r[i * PANEL + j]! * vectors[(size - PANEL + j) * size + e]!;
      square += sum * sum;
    }
    return Math.sqrt(square);
  });
}

/** Eigenvalues of the normalized inner products below this, relative to the greatest, are rounding errors. */
const LOST = 1e-6;
/**
 * If the least eigenvalue of the normalized inner products is above this, one more step leaves only rounding errors.
 */
const CLOSE = 0.1;
/**
 * If a column's squared length falls below this share when its component in the basis is removed, rounding errors are
 * so large in comparison that the component must be removed once more.
 */
const CANCELLED = 1e-4;
const MAX_STEPS = 12;

interface Pending {
  panel: Region;
  spare: Region;
  /** greatest squared length of a column before its component in the basis was removed */
  squaredLength: number;
}

/**
 * Makes the columns of a panel Z orthonormal, and orthogonal to an orthonormal basis.
 *
 *   Z'Z = D N D      N = P L P'      Z (D^-1 P L^-1/2) has orthonormal columns
 *
 * The step is repeated until its input is nearly orthonormal. Directions that are lost to rounding are replaced by
 * random ones. This happens when a Krylov basis already contains the whole space that its start can reach.
 *
 * Source: Stathopoulos and Wu 2002 (10.1137/S1064827500370883), algorithm SVQB.
 *
 * @param key of the random numbers
 * @returns the panel, and r: factor R of Z = Q R, f64[16][16]; rows of random directions are zero
 */
async function orthonormalize(
  machine: SvdMachine,
  side: MatrixSide,
  basis: readonly Region[],
  pending: Pending,
  key: number,
): Promise<{ panel: Region; spare: Region; r: Float64Array }> {
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

/** Returns the transformation that makes the columns of Z orthonormal, from their inner products. */
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
    /** returns element (i, j) of D^-1 P L^-1/2; L and P are the eigenvalues and eigenvectors of the columns' cosines */
    coefficientAt: (i: number, j: number) =>
      has(i, j) ? vectors[i * PANEL + j]! / (lengths[i]! * Math.sqrt(values[j]!)) : 0,
    /** returns element (j, i) of the inverse, L^1/2 P' D */
    inverseAt: (j: number, i: number) =>
      has(i, j) ? Math.sqrt(values[j]!) * vectors[i * PANEL + j]! * lengths[i]! : 0,
    /** false for directions of Z that are lost to rounding */
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
