// Computes gradients, hessians and losses of the softmax from the scores of several classes.
//
//   s_k   scores of class k, f32, `scoresApart` bytes after those of class k - 1
//   y     the class of a row, a whole number held as f32
//   p_k   exp(s_k) / sum exp(s_j)
//   g_k   p_k - [y = k]          h_k   K / (K - 1) p_k (1 - p_k), as in LightGBM 4 (multiclass_objective.hpp)

import { exp4, log4 } from "../../shared/assembly/exp";
import { addRows } from "../../shared/assembly/loss";

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
 * The losses at these scores reuse the exponentials.
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
