// The hyperparameters of the sampler: precision and mean of the normal prior of a field's (or of all) weights, and of each
// dimension of its vectors; and the precision of the labels.
//
//   lambda ~ Gamma((a + n + 1) / 2, (b (mu - m)^2 + sum (t - mu)^2 + g) / 2)       a = b = g = 1, m = 0
//   mu     ~ N((sum t + b m) / (n + b), 1 / ((n + b) lambda))
//   alpha  ~ Gamma((a + N) / 2, (g + sum e^2) / 2)
//
// Source: Rendle 2012 (10.1145/2168752.2168771), section 3.4.3 with the constants of libFM 1.4.4.

import { gammaDraw, normalDraw } from "../../../numeric/normal.js";
import { draw } from "../../../numeric/random.js";

/** A normal prior. */
export interface Prior {
  lambda: number;
  mu: number;
}

/** A group's parameters of one dimension, field by field; only those that `counts` says are of it. */
export type Group = { values: Float32Array; counts: (index: number) => boolean }[];

/**
 * Draws the prior of a group of parameters given their values, which are summed in their order.
 *
 * @param before its mean in the sweep before
 */
export function drawPrior(group: Group, before: number, key: number): Prior {
  let [n, sum, squares] = [0, 0, 0];
  for (const { values, counts } of group) {
    for (let i = 0; i < values.length; i++) {
      if (!counts(i)) continue;
      n++;
      sum += values[i]!;
      squares += (values[i]! - before) ** 2;
    }
  }
  const lambda = gammaDraw(draw(key, 0), (1 + n + 1) / 2, (before * before + squares + 1) / 2);
  const mu = sum / (n + 1) + normalDraw(draw(key, 1)) / Math.sqrt((n + 1) * lambda);
  return { lambda, mu };
}

/** Draws the precision of the labels around their scores. @param squares sum of e^2 over the rows */
export function drawAlpha(numRows: number, squares: number, key: number): number {
  return gammaDraw(key, (1 + numRows) / 2, (1 + squares) / 2);
}
