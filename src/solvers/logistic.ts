// Logistic regression on one-hot features.
//
//   score = bias + sum of the weights of a row's features
//   J     = sum of log losses + l2 / 2 sum (w - prior)^2          the bias is free

import { exp, log1p } from "../kernels/reference/exp.js";
import { minimise } from "./lbfgs.js";

/** Rows of equally many one-hot features. */
export interface OneHotRows {
  numRows: number;
  /** features a row */
  width: number;
  numFeatures: number;
  /** u32[numRows][width] */
  ids: Uint32Array;
}

export interface LogisticOptions {
  l2: number;
  iterations: number;
  /** f64[numFeatures]: what weights are drawn to; 0 when absent */
  prior?: Float64Array;
}

export interface LogisticModel {
  bias: number;
  /** f64[numFeatures] */
  weights: Float64Array;
}

const TOLERANCE = 1e-3;

/**
 * Fits weights by L-BFGS.
 *
 * @param labels f32[numRows], 0 or 1
 * @param counts f32[numRows]: what each row counts; 1 when absent
 */
export function fitLogistic(
  rows: OneHotRows,
  labels: Float32Array,
  counts: Float32Array | undefined,
  { l2, iterations, prior }: LogisticOptions,
): LogisticModel {
  const { numFeatures } = rows;
  // the bias is the last
  const x = new Float64Array(numFeatures + 1);
  if (prior) x.set(prior);
  const scores = new Float64Array(rows.numRows);
  const objective = (at: Float64Array, gradient: Float64Array): number => {
    gradient.fill(0);
    scoreRows(rows, at, scores);
    let value = addLosses(rows, scores, labels, counts, gradient);
    for (let i = 0; i < numFeatures; i++) {
      const away = at[i]! - (prior ? prior[i]! : 0);
      value += (l2 / 2) * away * away;
      gradient[i]! += l2 * away;
    }
    return value;
  };
  minimise(objective, x, { iterations, tolerance: TOLERANCE });
  return { bias: x[numFeatures]!, weights: x.slice(0, numFeatures) };
}

/** f64[numRows]: log-odds of rows. */
export function scoresOfRows(rows: OneHotRows, { bias, weights }: LogisticModel): Float64Array {
  const x = new Float64Array(rows.numFeatures + 1);
  x.set(weights);
  x[rows.numFeatures] = bias;
  const scores = new Float64Array(rows.numRows);
  scoreRows(rows, x, scores);
  return scores;
}

function scoreRows(
  { numRows, width, numFeatures, ids }: OneHotRows,
  x: Float64Array,
  scores: Float64Array,
): void {
  for (let r = 0, at = 0; r < numRows; r++) {
    let score = x[numFeatures]!;
    for (const end = at + width; at < end; at++) score += x[ids[at]!]!;
    scores[r] = score;
  }
}

/** Adds the gradient of the rows' losses, and returns their sum. */
function addLosses(
  { numRows, width, numFeatures, ids }: OneHotRows,
  scores: Float64Array,
  labels: Float32Array,
  counts: Float32Array | undefined,
  gradient: Float64Array,
): number {
  let value = 0;
  let bias = 0;
  for (let r = 0, at = 0; r < numRows; r++) {
    const score = scores[r]!;
    const y = labels[r]!;
    const c = counts ? counts[r]! : 1;
    const e = exp(-Math.abs(score));
    value += c * (Math.max(score, 0) - y * score + log1p(e));
    const g = c * ((score >= 0 ? 1 : e) / (1 + e) - y);
    bias += g;
    for (const end = at + width; at < end; at++) gradient[ids[at]!]! += g;
  }
  gradient[numFeatures] = bias;
  return value;
}
