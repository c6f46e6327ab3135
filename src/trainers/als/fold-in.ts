// The vector of one new user or item of implicit feedback from its events, with the other side as it was trained: the solution
// that least squares give a row (kernels/als/assembly/main.ts), all dimensions at once.
//
//   (sum c h h' + a H'H + p I) w = sum c h        Hu et al. 2008, eq. 4, as in docs/algorithms/implicit.md
//
//   h  f32[dim], the vectors of the events' others      c  confidence      a  weight of the unobserved      p  the row's penalty

import { UsageError } from "../../errors.js";
import { pow } from "../../numeric/exp.js";
import { solveCholesky } from "../../solvers/cholesky.js";
import type { ImplicitOptions } from "./options.js";

/** The other side, as every row of this one sees it. */
export interface OtherSide {
  dim: number;
  /** f32[numRows * dim], row-major */
  vectors: Float32Array;
  numRows: number;
  /** f64[dim * dim]: H'H */
  gram: Float64Array;
}

/** @param vectors f32[numRows * dim] */
export function otherSide(dim: number, vectors: Float32Array): OtherSide {
  const numRows = vectors.length / dim;
  const gram = new Float64Array(dim * dim);
  for (let r = 0; r < numRows; r++) addSquare(gram, vectors.subarray(r * dim, (r + 1) * dim), 1);
  return { dim, vectors, numRows, gram };
}

/**
 * The vector of a row with these events.
 *
 * @param confidences by row of the other side
 * @returns f64[dim]
 * @throws {UsageError} nothing decides it: there is neither a penalty nor a weight of the unobserved
 */
export function foldInImplicit(
  { dim, vectors, numRows, gram }: OtherSide,
  confidences: ReadonlyMap<number, number>,
  {
    unobservedWeight,
    l2Vector,
    l2Exponent,
  }: Pick<ImplicitOptions, "unobservedWeight" | "l2Vector" | "l2Exponent">,
): Float64Array {
  const matrix = gram.map((g) => unobservedWeight * g);
  const right = new Float64Array(dim);
  let mass = unobservedWeight * numRows;
  for (const [other, c] of confidences) {
    const h = vectors.subarray(other * dim, (other + 1) * dim);
    addSquare(matrix, h, c);
    for (let d = 0; d < dim; d++) right[d]! += c * h[d]!;
    mass += c;
  }
  // the penalty of a row grows with its events: Rendle et al. 2021 (arXiv:2110.14037), eq. 4
  const penalty = l2Vector * pow(mass, l2Exponent);
  for (let d = 0; d < dim; d++) matrix[d * dim + d]! += penalty;
  const solved = solveCholesky(matrix, right);
  if (solved) return solved;
  throw new UsageError(
    "too few events to determine a vector of this dimension without L2: set --l2-vector above 0",
  );
}

/** Adds c h h' to the lower triangle. */
function addSquare(matrix: Float64Array, h: Float32Array, c: number): void {
  const dim = h.length;
  for (let i = 0; i < dim; i++) for (let j = 0; j <= i; j++) matrix[i * dim + j]! += c * h[i]! * h[j]!;
}
