// Computes gradients and hessians of the loss from scores.
//
//   s, y, w   score, label and weight of a row, f32
//   g, h      first and second derivative of its loss in s, times w; f32 pairs, 8 bytes a row
//
// Of the softmax:
//
//   s_k   scores of class k, `scoresApart` bytes after those of class k - 1
//   y     the class of a row, a whole number held as f32
//   p_k   exp(s_k) / sum exp(s_j)
//   g_k   p_k - [y = k]          h_k   K / (K - 1) p_k (1 - p_k), as in LightGBM 4 (multiclass_objective.hpp)

import { exp4, log4 } from "../../shared/assembly/exp";
import { addLosses, addRows, hinge4, logisticGradientOf4, squaredLoss4 } from "../../shared/assembly/loss";

/** Rows per logarithm, 16 in each lane: it is taken of the product of their factors (1 + e), which is at most 2^16. */
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

function mostOf(scores: usize, apart: usize, numClasses: i32): v128 {
  let most = v128.load(scores);
  for (let k = 1; k < numClasses; k++) most = f32x4.max(most, v128.load(scores + <usize>k * apart));
  return most;
}

/** Returns 1 in the lanes whose row has class k, else 0. */
function isClass(y: v128, k: i32): v128 {
  return v128.and(f32x4.eq(y, f32x4.splat(<f32>k)), f32x4.splat(1));
}

/**
 * Writes the derivatives of n rows for all classes to `pairs`, and the sums of |g| and of h for each class to `sums`.
 *
 * All arrays are readable and writable up to a multiple of 4 rows.
 *
 * @param weights f32[n], or 0
 * @param pairs   f32[n][2] of class 0; that of the next class is `pairsApart` bytes further
 * @param sums    f64[2] of class 0; that of the next class is `sumsApart` bytes further
 * @returns the sum of the losses times their weights, equal to the result of `softmaxLosses`
 */
export function softmaxGradients(
  scores: usize,
  scoresApart: usize,
  labels: usize,
  weights: usize,
  pairs: usize,
  pairsApart: usize,
  n: i32,
  numClasses: i32,
  sums: usize,
  sumsApart: usize,
): f64 {
  const one = f32x4.splat(1);
  const factor = f32x4.splat(<f32>numClasses / <f32>(numClasses - 1));
  const end = <usize>n;
  let sum: f64 = 0;
  for (let i: usize = 0; i < end; i += 4) {
    const most = mostOf(scores + (i << 2), scoresApart, numClasses);
    const y = v128.load(labels + (i << 2));
    let total = f32x4.splat(0);
    let own = f32x4.splat(0);
    // the exponentials are stored in `pairs` until their sum is known
    for (let k = 0; k < numClasses; k++) {
      const away = f32x4.sub(v128.load(scores + (i << 2) + <usize>k * scoresApart), most);
      const e = exp4(away);
      v128.store(pairs + (i << 3) + <usize>k * pairsApart, e);
      total = f32x4.add(total, e);
      own = f32x4.add(own, f32x4.mul(isClass(y, k), away));
    }
    const w = weights != 0 ? v128.load(weights + (i << 2)) : one;
    for (let k = 0; k < numClasses; k++) {
      const at = pairs + (i << 3) + <usize>k * pairsApart;
      const p = f32x4.div(v128.load(at), total);
      const g = f32x4.mul(w, f32x4.sub(p, isClass(y, k)));
      const h = f32x4.mul(w, f32x4.mul(factor, f32x4.mul(p, f32x4.sub(one, p))));
      v128.store(at, v128.shuffle<f32>(g, h, 0, 4, 1, 5));
      v128.store(at, v128.shuffle<f32>(g, h, 2, 6, 3, 7), 16);
    }
    sum = addRows(sum, f32x4.mul(w, f32x4.sub(log4(total), own)), i, end);
  }
  for (let k = 0; k < numClasses; k++) {
    let sumG: f64 = 0;
    let sumH: f64 = 0;
    for (let i: usize = 0; i < end; i++) {
      const at = pairs + (i << 3) + <usize>k * pairsApart;
      sumG += Math.abs(<f64>load<f32>(at));
      sumH += <f64>load<f32>(at, 4);
    }
    store<f64>(sums + <usize>k * sumsApart, sumG);
    store<f64>(sums + <usize>k * sumsApart, sumH, 8);
  }
  return sum;
}

/**
 * Returns the sum over n rows of the softmax loss, log sum exp(s_k) - s_y, times the row's weight, in f64 and in the
 * order of the rows.
 */
export function softmaxLosses(
  scores: usize,
  scoresApart: usize,
  labels: usize,
  weights: usize,
  n: i32,
  numClasses: i32,
): f64 {
  let sum: f64 = 0;
  const end = <usize>n;
  for (let i: usize = 0; i < end; i += 4) {
    const most = mostOf(scores + (i << 2), scoresApart, numClasses);
    const y = v128.load(labels + (i << 2));
    let total = f32x4.splat(0);
    let own = f32x4.splat(0);
    for (let k = 0; k < numClasses; k++) {
      const away = f32x4.sub(v128.load(scores + (i << 2) + <usize>k * scoresApart), most);
      total = f32x4.add(total, exp4(away));
      own = f32x4.add(own, f32x4.mul(isClass(y, k), away));
    }
    let loss = f32x4.sub(log4(total), own);
    if (weights != 0) loss = f32x4.mul(loss, v128.load(weights + (i << 2)));
    sum = addRows(sum, loss, i, end);
  }
  return sum;
}
