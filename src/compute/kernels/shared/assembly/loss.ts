// Losses of a batch's scores and their derivatives, four rows at a time.
//
//   s   score of a row
//   y   its label
//   e   exp(-|s|), in (0, 1], so that nothing overflows

import { exp4, log4 } from "./exp";

/** Returns dLoss/dscore of the logistic loss: logistic(s) - y. */
export function logisticGradient4(s: v128, y: v128): v128 {
  return logisticGradientOf4(exp4(f32x4.neg(f32x4.abs(s))), s, y);
}

export function logisticGradientOf4(e: v128, s: v128, y: v128): v128 {
  const one = f32x4.splat(1);
  // logistic(s) is 1 / (1 + e) for s >= 0, else e / (1 + e)
  const top = v128.bitselect(one, e, f32x4.ge(s, f32x4.splat(0)));
  return f32x4.sub(f32x4.div(top, f32x4.add(one, e)), y);
}

/** Returns the logistic loss in nats: log(1 + exp(s)) - y s = max(s, 0) - y s + log(1 + e). */
export function logisticLoss4(s: v128, y: v128): v128 {
  const e = exp4(f32x4.neg(f32x4.abs(s)));
  return f32x4.add(hinge4(s, y), log4(f32x4.add(e, f32x4.splat(1))));
}

/** Returns the logistic loss without its term log(1 + e). */
export function hinge4(s: v128, y: v128): v128 {
  return f32x4.sub(f32x4.max(s, f32x4.splat(0)), f32x4.mul(y, s));
}

/** Training minimizes half of it, whose derivative is s - y. */
export function squaredLoss4(s: v128, y: v128): v128 {
  const difference = f32x4.sub(s, y);
  return f32x4.mul(difference, difference);
}

/** Returns dLoss/dscore of the logistic loss, or of half the squared loss. */
export function lossGradient4(s: v128, y: v128, squared: bool): v128 {
  return squared ? f32x4.sub(s, y) : logisticGradient4(s, y);
}

/**
 * Adds the losses of n rows to `sum` in f64, in the order of the rows; arrays are f32, readable up to a multiple of 4.
 *
 * @param weights f32[n]: weights of the rows; 0 when all are 1
 */
export function addLosses(
  sum: f64,
  scores: usize,
  labels: usize,
  weights: usize,
  n: usize,
  squared: bool,
): f64 {
  for (let i: usize = 0; i < n; i += 4) {
    const s = v128.load(scores + (i << 2));
    const y = v128.load(labels + (i << 2));
    let losses = squared ? squaredLoss4(s, y) : logisticLoss4(s, y);
    if (weights) losses = f32x4.mul(losses, v128.load(weights + (i << 2)));
    sum = addRows(sum, losses, i, n);
  }
  return sum;
}

/** Adds the numbers of rows i .. i + 3 to a sum, in this order, without those of rows from n on. */
export function addRows(sum: f64, x: v128, i: usize, n: usize): f64 {
  sum += <f64>f32x4.extract_lane(x, 0);
  if (i + 1 < n) sum += <f64>f32x4.extract_lane(x, 1);
  if (i + 2 < n) sum += <f64>f32x4.extract_lane(x, 2);
  if (i + 3 < n) sum += <f64>f32x4.extract_lane(x, 3);
  return sum;
}
