// Logistic regression on one-hot features, or on dense rows of numbers.
//
//   score = bias + sum over the features of a row of weight times value
//   J     = sum of log losses + l2 / 2 sum (w - prior)^2          the bias has no penalty

import { exp, log1p } from "../numeric/exp.js";
import { minimize } from "./lbfgs.js";

/** One-hot rows that all have the same number of features. */
export interface OneHotRows {
  numRows: number;
  /** number of features per row */
  width: number;
  numFeatures: number;
  /** features of each row, u32[numRows][width] */
  ids: Uint32Array;
}

/** Rows with a number for each feature. */
export interface DenseRows {
  numRows: number;
  numFeatures: number;
  /** numbers of each row, f64[numRows][numFeatures] */
  values: Float64Array;
}

export interface LogisticOptions {
  l2: number;
  iterations: number;
  /** f64[numFeatures]: weights in the absence of data, toward which the penalty shrinks; 0 when absent */
  prior?: Float64Array;
}

export interface LogisticModel {
  bias: number;
  /** weight of each feature, f64[numFeatures] */
  weights: Float64Array;
}

const TOLERANCE = 1e-3;

/**
 * Fits weights with L-BFGS.
 *
 * @param labels f32[numRows], 0 or 1
 * @param counts f32[numRows]: the weight of each row; 1 when absent
 */
export function fitLogistic(
  rows: OneHotRows | DenseRows,
  labels: Float32Array,
  counts: Float32Array | undefined,
  { l2, iterations, prior }: LogisticOptions,
): LogisticModel {
  const { numFeatures } = rows;
  // the bias is the last element of the arrays of parameters and of their gradient
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
  minimize(objective, x, { iterations, tolerance: TOLERANCE });
  return { bias: x[numFeatures]!, weights: x.slice(0, numFeatures) };
}

/** Returns f64[numRows]: the log-odds of the rows. */
export function scoresOfRows(rows: OneHotRows | DenseRows, { bias, weights }: LogisticModel): Float64Array {
  const x = new Float64Array(rows.numFeatures + 1);
  x.set(weights);
  x[rows.numFeatures] = bias;
  const scores = new Float64Array(rows.numRows);
  scoreRows(rows, x, scores);
  return scores;
}

function scoreRows(rows: OneHotRows | DenseRows, x: Float64Array, scores: Float64Array): void {
  const { numRows, numFeatures } = rows;
  const bias = x[numFeatures]!;
  if ("values" in rows) {
    for (let r = 0, at = 0; r < numRows; r++) {
      let score = bias;
      for (let j = 0; j < numFeatures; j++, at++) score += x[j]! * rows.values[at]!;
      scores[r] = score;
    }
    return;
  }
  const { width, ids } = rows;
  for (let r = 0, at = 0; r < numRows; r++) {
    let score = bias;
    for (const end = at + width; at < end; at++) score += x[ids[at]!]!;
    scores[r] = score;
  }
}

/** Adds the gradient of the rows' losses to an array, and returns the sum of the losses. */
function addLosses(
  rows: OneHotRows | DenseRows,
  scores: Float64Array,
  labels: Float32Array,
  counts: Float32Array | undefined,
  gradient: Float64Array,
): number {
  const { numRows, numFeatures } = rows;
  let value = 0;
  let bias = 0;
  for (let r = 0; r < numRows; r++) {
    const score = scores[r]!;
    const y = labels[r]!;
    const c = counts ? counts[r]! : 1;
    const e = exp(-Math.abs(score));
    value += c * (Math.max(score, 0) - y * score + log1p(e));
    const g = c * ((score >= 0 ? 1 : e) / (1 + e) - y);
    bias += g;
    if ("values" in rows) {
      for (let j = 0, at = r * numFeatures; j < numFeatures; j++, at++) gradient[j]! += g * rows.values[at]!;
    } else {
      for (let at = r * rows.width; at < (r + 1) * rows.width; at++) gradient[rows.ids[at]!]! += g;
    }
  }
  gradient[numFeatures] = bias;
  return value;
}
