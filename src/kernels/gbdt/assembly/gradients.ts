// Computes gradients and hessians of the loss from scores.
//
//   s, y, w   score, label and weight of a row, f32
//   g, h      first and second derivative of its loss in s, times w; f32 pairs, 8 bytes a row

import { exp4, log4 } from "../../shared/assembly/exp";
import { addLosses, addRows, hinge4, logisticGradientOf4, squaredLoss4 } from "../../shared/assembly/loss";

/**
 * Number of rows per logarithm, 16 in each lane: the logarithm is taken of the product of their factors (1 + e), which
 * is at most 2^16.
 */
const LOGARITHM: usize = 64;

/**
 * Writes the derivatives g and h of n rows to `pairs`, and the sums of |g| and of h to `sums`.
 *
 * The losses at these scores reuse the exponentials: sum of log(1 + e) = log of the product of (1 + e).
 *
 * All arrays are readable and writable up to a multiple of 4 rows.
 *
 * @param weights f32[n], or 0
 * @param pairs   f32[n][2], written
 * @param sums    f64[2]
 * @returns the sum of the losses times their weights; differs from that of `losses` only in the last bits
 */
export function gradients(
  scores: usize,
  labels: usize,
  weights: usize,
  pairs: usize,
  n: i32,
  squared: bool,
  sums: usize,
): f64 {
  const one = f32x4.splat(1);
  const lanes = i32x4(0, 1, 2, 3);
  let sumG = f64x2.splat(0);
  let sumH = f64x2.splat(0);
  let loss: f64 = 0;
  for (let first: usize = 0; first < <usize>n; first += LOGARITHM) {
    let product = one;
    let others = f32x4.splat(0);
    const end = min(first + LOGARITHM, <usize>n);
    for (let i = first; i < end; i += 4) {
      const s = v128.load(scores + (i << 2));
      const y = v128.load(labels + (i << 2));
      // lanes behind the last row get weight 0
      const isRow = i32x4.lt_s(i32x4.add(lanes, i32x4.splat(<i32>i)), i32x4.splat(n));
      const w = v128.and(isRow, weights != 0 ? v128.load(weights + (i << 2)) : one);
      let g: v128;
      let h: v128;
      if (squared) {
        g = f32x4.sub(s, y);
        h = one;
        others = f32x4.add(others, f32x4.mul(w, squaredLoss4(s, y)));
      } else {
        const e = exp4(f32x4.neg(f32x4.abs(s)));
        g = logisticGradientOf4(e, s, y);
        // with the probability p and the label y, 0 or 1, the hessian p (1 - p) equals |p - y| (1 - |p - y|)
        h = f32x4.mul(f32x4.abs(g), f32x4.sub(one, f32x4.abs(g)));
        let rest = hinge4(s, y);
        if (weights != 0) rest = f32x4.add(rest, log4(f32x4.add(one, e)));
        else product = f32x4.mul(product, f32x4.add(one, v128.and(isRow, e)));
        others = f32x4.add(others, f32x4.mul(w, rest));
      }
      g = f32x4.mul(g, w);
      h = f32x4.mul(h, w);
      v128.store(pairs + (i << 3), v128.shuffle<f32>(g, h, 0, 4, 1, 5));
      v128.store(pairs + (i << 3), v128.shuffle<f32>(g, h, 2, 6, 3, 7), 16);
      sumG = f64x2.add(sumG, pairSums(f32x4.abs(g)));
      sumH = f64x2.add(sumH, pairSums(h));
    }
    loss = addRows(loss, f32x4.add(others, log4(product)), 0, 4);
  }
  store<f64>(sums, f64x2.extract_lane(sumG, 0) + f64x2.extract_lane(sumG, 1));
  store<f64>(sums, f64x2.extract_lane(sumH, 0) + f64x2.extract_lane(sumH, 1), 8);
  return loss;
}

/** Adds four f32 to two f64: returns (x0 + x2, x1 + x3). */
function pairSums(x: v128): v128 {
  return f64x2.add(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1)));
}

/** Returns the sum over n rows of the loss times the weight, in f64 and in the order of the rows. */
export function losses(scores: usize, labels: usize, weights: usize, n: i32, squared: bool): f64 {
  return addLosses(0, scores, labels, weights, <usize>n, squared);
}
