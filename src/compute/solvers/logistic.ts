// Logistic regression on one-hot features, or on dense rows of numbers.
//
//   score = bias + sum over the features of a row of weight times value
//   J     = sum of log losses + l2 / 2 sum (w - prior)^2          the bias has no penalty
//
// One-hot rows can also be fitted by FTRL-proximal, one row at a time.

import { exp, log1p } from "../../base/numeric/exp.js";
import { ftrlGrowth, ftrlWeight } from "../../base/numeric/ftrl.js";
import { minimize } from "./lbfgs.js";

export interface OneHotRows {
  numRows: number;
  width: number;
  numFeatures: number;
  /** u32[numRows][width] */
  ids: Uint32Array;
}

export interface DenseRows {
  numRows: number;
  numFeatures: number;
  /** f64[numRows][numFeatures] */
  values: Float64Array;
}

interface LogisticOptions {
  l2: number;
  iterations: number;
  /** f64[numFeatures]: weights in the absence of data, toward which the penalty shrinks; 0 when absent */
  prior?: Float64Array;
}

export interface LogisticModel {
  bias: number;
  /** f64[numFeatures] */
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
  // the last element is the bias
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

interface FtrlOptions {
  l1: number;
  l2: number;
  passes: number;
  /** f64[numFeatures]: weights in the absence of data, toward which the penalties shrink; 0 when absent */
  prior?: Float64Array;
}

const LEARNING_RATE = 0.1;

/**
 * Fits weights with FTRL-proximal. The penalties l1 |d| + l2 / 2 d^2 are on d = w - prior.
 *
 * Rows are processed in order, so that the latest rows have the most influence. Penalties are relative to the sum of
 * losses, as in `fitLogistic`. Each pass adds the losses of all rows again, so penalties are multiplied by the number
 * of passes. Source: McMahan et al. 2013 (doi:10.1145/2487575.2488200), algorithm 1.
 *
 * @param labels f32[numRows], 0 or 1
 * @param counts f32[numRows]: weight of each row; 1 when absent
 */
export function fitFtrl(
  { numRows, width, numFeatures, ids }: OneHotRows,
  labels: Float32Array,
  counts: Float32Array | undefined,
  { l1, l2, passes, prior }: FtrlOptions,
): LogisticModel {
  // the last element of FTRL's state is that of the bias
  const [z, n] = [new Float64Array(numFeatures + 1), new Float64Array(numFeatures + 1)];
  const penalised = { learningRate: LEARNING_RATE, l1: passes * l1, l2: passes * l2 };
  const unpenalised = { learningRate: LEARNING_RATE, l1: 0, l2: 0 };
  const away = (i: number, free: boolean): number => ftrlWeight(z[i]!, n[i]!, free ? unpenalised : penalised);
  const weightOf = (i: number): number => away(i, false) + (prior ? prior[i]! : 0);
  const step = (i: number, free: boolean, g: number): void => {
    z[i]! += ftrlGrowth(away(i, free), n[i]!, g, LEARNING_RATE);
    n[i]! += g * g;
  };
  for (let pass = 0; pass < passes; pass++) {
    for (let r = 0; r < numRows; r++) {
      const [from, to] = [r * width, (r + 1) * width];
      let score = away(numFeatures, true);
      for (let at = from; at < to; at++) score += weightOf(ids[at]!);
      const p = 1 / (1 + exp(-score));
      const g = (counts ? counts[r]! : 1) * (p - labels[r]!);
      for (let at = from; at < to; at++) step(ids[at]!, false, g);
      step(numFeatures, true, g);
    }
  }
  return {
    bias: away(numFeatures, true),
    weights: Float64Array.from({ length: numFeatures }, (_, i) => weightOf(i)),
  };
}
