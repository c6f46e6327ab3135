// Computes vectors of new users or items for a run of train-als, by the closed form of its least squares: the vectors
// of the other side (items for a user) stay as trained. The training solves the same equation per row
// (compute/kernels/als/assembly/main.ts), but not for all dimensions at once.
//
//   (sum c h h' + a H'H + p I) w = sum c h        Hu et al. 2008, eq. 4, as in docs/algorithms/implicit.md
//
//   h  f32[dim], vector of the other side of an event      c  confidence of an event
//   a  weight of a pair without an event                 p  penalty of the row

import { columnNamed } from "../../dataset/dataset.js";
import { rowWeights } from "../../dataset/sequences/event-weights.js";
import { idsOf } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../table/run-directory.js";
import type { FmRun } from "../shared/factor-model/artifact.js";
import { foldInEvents, type FitNewKeys, type NewEvents } from "../shared/factor-model/fold-in-events.js";
import type { FoldingIn } from "../../training/capabilities/folded-keys.js";
import type { TransformOptions } from "../../training/shared-options/transform-options.js";
import type { Watch } from "../../training/session/watch.js";
import { UsageError } from "../../base/errors.js";
import { pow } from "../../base/numeric/exp.js";
import { solveCholesky } from "../../compute/solvers/cholesky.js";
import type { ImplicitOptions } from "./options.js";

export async function foldInByLeastSquares(
  run: Run,
  options: TransformOptions,
  watch: Watch,
): Promise<FoldingIn> {
  return await foldInEvents(run, options, watch, fitLeastSquares);
}

/**
 * Computes the vectors of new users or items; their weights are 0. Events with a user or item that the run does not
 * contain are ignored.
 */
function fitLeastSquares(
  run: Run,
  { space, preprocess, parameters: { dim, vectors } }: FmRun,
  given: TransformOptions,
): FitNewKeys {
  const { unobservedWeight, l2Exponent, l2Vector } = run.manifest.options as Record<string, number>;
  const options = {
    unobservedWeight: unobservedWeight!,
    l2Exponent: l2Exponent!,
    l2Vector: given.l2Vector ?? l2Vector!,
  };
  /** vectors of the trained side: of the items if new users are folded in, of the users if new items are */
  const known = new Map<NewEvents["side"], OtherSide>();
  return ({ dataset, side, rows }) => {
    const name = preprocess.roles[side === "user" ? "item" : "user"]!;
    const f = space.fields.findIndex((field) => field.name === name);
    const [field, column] = [space.fields[f]!, columnNamed(dataset, name)];
    if (field.kind !== "key" || column.kind !== "key") throw new TypeError(`'${name}' is not a key column`);
    const ids = idsOf(field, column.dictionary);
    const [first, end] = [space.offsets[f]!, space.offsets[f + 1]!];
    const others = known.get(side) ?? otherSide(dim, vectors.subarray(first * dim, end * dim));
    known.set(side, others);
    return rows.map((own) => {
      const weights = rowWeights(dataset, Uint32Array.from(own), preprocess);
      // several events of the same pair are replaced by one event with the sum of their confidences
      const confidences = new Map<number, number>();
      own.forEach((row, e) => {
        const id = ids[column.codes[row]!] ?? 0;
        if (id !== 0) confidences.set(id, (confidences.get(id) ?? 0) + (weights?.[e] ?? 1));
      });
      return Float64Array.of(0, ...foldInImplicit(others, confidences, options));
    });
  };
}

/** The vectors of the trained side (users or items), and their Gram matrix, which every new row needs. */
interface OtherSide {
  dim: number;
  /** f32[numRows * dim], row-major */
  vectors: Float32Array;
  numRows: number;
  /** H'H, f64[dim * dim], lower triangle */
  gram: Float64Array;
}

/** @param vectors f32[numRows * dim] of the trained side */
export function otherSide(dim: number, vectors: Float32Array): OtherSide {
  const numRows = vectors.length / dim;
  const gram = new Float64Array(dim * dim);
  for (let r = 0; r < numRows; r++) addSquare(gram, vectors.subarray(r * dim, (r + 1) * dim), 1);
  return { dim, vectors, numRows, gram };
}

/**
 * Returns the vector of a new row.
 *
 * @param confidences confidence of the new row's event with each user or item, by row of the trained side
 * @returns f64[dim]
 * @throws {UsageError} the vector is not determined, because the penalty and the weight of unobserved pairs are both 0
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
  // the penalty of a row grows with the number of its events: Rendle et al. 2021 (arXiv:2110.14037), eq. 4
  const penalty = l2Vector * pow(mass, l2Exponent);
  for (let d = 0; d < dim; d++) matrix[d * dim + d]! += penalty;
  const solved = solveCholesky(matrix, right);
  if (solved) return solved;
  throw new UsageError(
    "too few events to determine a vector of this dimension without L2: set --l2-vector above 0",
  );
}

/** Adds an event's matrix c h h' (confidence c, item or user vector h) to the lower triangle of the row's matrix. */
function addSquare(matrix: Float64Array, h: Float32Array, c: number): void {
  const dim = h.length;
  for (let i = 0; i < dim; i++) for (let j = 0; j <= i; j++) matrix[i * dim + j]! += c * h[i]! * h[j]!;
}
