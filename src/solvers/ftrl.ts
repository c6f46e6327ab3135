// Logistic regression on one-hot features with FTRL-proximal, one row at a time.
//
//   d = w - prior        is penalized by l1 |d| + l2 / 2 d^2, and follows from z and n (numeric/ftrl.ts)
//
// Rows are processed in order, so that the latest rows have the most influence. Penalties are relative to the sum of
// losses, as in `solvers/logistic.ts`. Each pass adds the losses of all rows again, so penalties are multiplied by the
// number of passes. The bias has no penalty. Source: McMahan et al. 2013 (doi:10.1145/2487575.2488200), algorithm 1.

import { exp } from "../numeric/exp.js";
import { ftrlGrowth, ftrlWeight } from "../numeric/ftrl.js";
import type { LogisticModel, OneHotRows } from "./logistic.js";

export interface FtrlOptions {
  l1: number;
  l2: number;
  /** number of passes over the rows */
  passes: number;
  /** f64[numFeatures]: weights in the absence of data, toward which the penalties shrink; 0 when absent */
  prior?: Float64Array;
}

const LEARNING_RATE = 0.1;

/** Fits weights. @param labels f32[numRows], 0 or 1 @param counts f32[numRows]: weight of each row; 1 when absent */
export function fitFtrl(
  { numRows, width, numFeatures, ids }: OneHotRows,
  labels: Float32Array,
  counts: Float32Array | undefined,
  { l1, l2, passes, prior }: FtrlOptions,
): LogisticModel {
  // FTRL's state z and n of each weight; the last element is that of the bias
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
