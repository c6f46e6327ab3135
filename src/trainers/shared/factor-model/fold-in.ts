// Computes the weight and the vector of one new feature from its events, with all other parameters fixed.
//
//   theta = (w, v)          the unknowns, f64[1 + dim]
//   phi_r = (x, x S_r)      x: the feature's value in row r; S_r: sum of x v over the other features of the row
//   c_r                     the row's score without the feature
//   score = c_r + <phi_r, theta>             Rendle 2010, eq. 1, is linear in the parameters of one feature
//
//   squared   theta = argmin 0.5 sum_r a_r (y_r - score)^2 + 0.5 <lambda, theta^2>: solved by normal equations
//   logistic  theta = argmin sum_r a_r (softplus(score) - y_r score) + 0.5 <lambda, theta^2>: Newton's method, with the
//             step halved while the loss does not decrease
//
// a_r is the weight of the row, lambda the L2 penalties of the weight and of each dimension of the vector. They apply
// once per parameter, as in ridge regression, and not once per event as in training, because that would give a single
// event too much influence. By default, a new parameter is assumed to have the distribution of the parameters of the
// field's known features: lambda = noise / (mean square of the known parameters), which makes theta the most probable
// one under that normal prior (Hoerl and Kennard 1970, doi 10.1080/00401706.1970.10488634).

import { mapTo } from "../../../base/numeric/indices.js";
import { logistic, softplus } from "../../../base/numeric/exp.js";
import { solveCholesky } from "../../../compute/solvers/cholesky.js";
import { UsageError } from "../../../base/errors.js";
import type { FmParameters } from "./model.js";

const MAX_STEPS = 30;
/** convergence threshold for the largest component of a step */
const TOLERANCE = 1e-9;
/** variance that is assumed for a field whose parameters are all 0 */
const SMALLEST_VARIANCE = 1e-9;

/** The events of one feature, as a regression problem in the symbols above: c is `offsets`. */
export interface FoldInEvents {
  dim: number;
  /** f64[numRows * (1 + dim)] */
  phi: Float64Array;
  /** f64[numRows]: score of each row without the feature */
  offsets: Float64Array;
  /** f64[numRows] */
  labels: Float64Array;
  /** f64[numRows] */
  weights: Float64Array;
}

export interface FoldInOptions {
  loss: "logistic" | "squared";
  l2Weight: number;
  /** L2 of the vector: one number, or one per dimension */
  l2Vector: number | Float64Array;
}

/**
 * Fits the weight and the vector of one feature to its events, with all other parameters fixed.
 *
 * @returns f64[1 + dim]: the weight, then the vector
 * @throws {UsageError} without L2, the events do not determine the parameters
 */
export function foldIn(events: FoldInEvents, { loss, l2Weight, l2Vector }: FoldInOptions): Float64Array {
  const size = 1 + events.dim;
  const lambda = new Float64Array(size);
  if (typeof l2Vector === "number") lambda.fill(l2Vector);
  else lambda.set(l2Vector, 1);
  lambda[0] = l2Weight;
  let theta = new Float64Array(size);
  let height = objective(events, lambda, theta, loss);
  // the squared loss is quadratic, so the first step reaches the minimum
  for (let step = 0; step < (loss === "squared" ? 1 : MAX_STEPS); step++) {
    const { gradient, hessian } = derivatives(events, lambda, theta, loss);
    const move = solveCholesky(hessian, gradient);
    if (!move) {
      throw new UsageError(
        "too few events to determine a vector of this dimension without L2: set --l2-weight and --l2-vector " +
          "above 0",
      );
    }
    let scale = 1;
    let next = moved(theta, move, scale);
    let reached = objective(events, lambda, next, loss);
    while (reached > height && scale > TOLERANCE) {
      scale /= 2;
      next = moved(theta, move, scale);
      reached = objective(events, lambda, next, loss);
    }
    [theta, height] = [next, reached];
    if (move.every((x) => Math.abs(scale * x) < TOLERANCE)) break;
  }
  return theta;
}

/**
 * Returns the L2 implied by the known features of a field.
 *
 * @param first     the field's out-of-vocabulary feature, which precedes its known features
 * @param counts    u32: number of events of these features, by which the squares of their parameters are weighted
 * @param noise     variance of a label about its score; 1 for the logistic loss
 * @param numBlocks number of equal parts of a vector, each of which has its own L2
 */
export function priorPenalties(
  { dim, w, vectors }: FmParameters,
  first: number,
  counts: Uint32Array,
  noise: number,
  numBlocks: number,
): { l2Weight: number; l2Vector: Float64Array } {
  const width = dim / numBlocks;
  const squares = new Float64Array(numBlocks);
  let [events, weights] = [0, 0];
  for (let id = 1; id < counts.length; id++) {
    const [feature, count] = [first + id, counts[id]!];
    events += count;
    weights += count * w[feature]! * w[feature]!;
    for (let d = 0; d < dim; d++) {
      const v = vectors[feature * dim + d]!;
      squares[Math.floor(d / width)]! += (count * v * v) / width;
    }
  }
  const penalty = (sum: number) => noise / Math.max(sum / Math.max(events, 1), SMALLEST_VARIANCE);
  const byBlock = squares.map(penalty);
  return {
    l2Weight: penalty(weights),
    l2Vector: mapTo(Float64Array, { length: dim }, (_, d) => byBlock[Math.floor(d / width)]!),
  };
}

function moved(theta: Float64Array, move: Float64Array, scale: number): Float64Array<ArrayBuffer> {
  return mapTo(Float64Array, theta, (x, i) => x - scale * move[i]!);
}

function scoreOf({ phi, offsets }: FoldInEvents, theta: Float64Array, row: number): number {
  let score = offsets[row]!;
  const size = theta.length;
  const from = row * size;
  for (let i = 0; i < size; i++) score += phi[from + i]! * theta[i]!;
  return score;
}

function objective(
  events: FoldInEvents,
  lambda: Float64Array,
  theta: Float64Array,
  loss: FoldInOptions["loss"],
): number {
  let sum = 0;
  for (let i = 0; i < theta.length; i++) sum += 0.5 * lambda[i]! * theta[i]! * theta[i]!;
  for (let row = 0; row < events.labels.length; row++) {
    const [y, score] = [events.labels[row]!, scoreOf(events, theta, row)];
    const own = loss === "squared" ? 0.5 * (score - y) * (score - y) : softplus(score) - y * score;
    sum += events.weights[row]! * own;
  }
  return sum;
}

/** Returns the derivatives of the loss by theta; only the lower triangle of the hessian is set. */
function derivatives(
  events: FoldInEvents,
  lambda: Float64Array,
  theta: Float64Array,
  loss: FoldInOptions["loss"],
): { gradient: Float64Array; hessian: Float64Array } {
  const { phi } = events;
  const size = theta.length;
  const gradient = mapTo(Float64Array, theta, (x, i) => lambda[i]! * x);
  const hessian = new Float64Array(size * size);
  for (let i = 0; i < size; i++) hessian[i * size + i] = lambda[i]!;
  for (let row = 0; row < events.labels.length; row++) {
    const score = scoreOf(events, theta, row);
    const p = loss === "squared" ? score : logistic(score);
    const weight = events.weights[row]!;
    const first = weight * (p - events.labels[row]!);
    const second = weight * (loss === "squared" ? 1 : p * (1 - p));
    const from = row * size;
    for (let i = 0; i < size; i++) {
      const x = phi[from + i]!;
      gradient[i]! += first * x;
      const factor = second * x;
      for (let at = from, to = i * size; at <= from + i; at++, to++) hessian[to]! += factor * phi[at]!;
    }
  }
  return { gradient, hessian };
}
