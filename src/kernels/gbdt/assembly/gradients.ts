// Scores → gradients and hessians of the loss, and the same as integers.
//
//   s, y, w   score, label and weight of a row, f32
//   g, h      first and second derivative of its loss in s, times w; f32 pairs, 8 bytes a row
//   cell      i64 g 2^a, and i64 (h 2^b) << 25 | 1: a row as it is added to a histogram, 16 bytes
//
// Integers add in any order to the same sum. a and b are chosen by the whole tree's sums (trainers/gbdt/scales.ts), so that
// nothing overflows.

import { COUNT_BITS } from "./gain";
import { addLosses, lossGradient4 } from "../../shared/assembly/loss";

/**
 * Derivatives of n rows; their sums of |g| and h are written to `sums` in the rows' order.
 *
 * All arrays are readable and writable up to a multiple of 4 rows.
 *
 * @param weights f32[n], or 0
 * @param sums    f64[2]
 */
export function gradients(
  scores: usize,
  labels: usize,
  weights: usize,
  pairs: usize,
  n: i32,
  squared: bool,
  sums: usize,
): void {
  const one = f32x4.splat(1);
  let sumG: f64 = 0;
  let sumH: f64 = 0;
  const end = <usize>n;
  for (let i: usize = 0; i < end; i += 4) {
    const s = v128.load(scores + (i << 2));
    const y = v128.load(labels + (i << 2));
    let g = lossGradient4(s, y, squared);
    // p (1 - p) of y in {0, 1} is |p - y| (1 - |p - y|)
    let h = squared ? one : f32x4.mul(f32x4.abs(g), f32x4.sub(one, f32x4.abs(g)));
    if (weights != 0) {
      const w = v128.load(weights + (i << 2));
      g = f32x4.mul(g, w);
      h = f32x4.mul(h, w);
    }
    v128.store(pairs + (i << 3), v128.shuffle<f32>(g, h, 0, 4, 1, 5));
    v128.store(pairs + (i << 3), v128.shuffle<f32>(g, h, 2, 6, 3, 7), 16);
  }
  for (let i: usize = 0; i < end; i++) {
    sumG += Math.abs(<f64>load<f32>(pairs + (i << 3)));
    sumH += <f64>load<f32>(pairs + (i << 3), 4);
  }
  store<f64>(sums, sumG);
  store<f64>(sums, sumH, 8);
}

/** Integers of n rows' pairs; scales are powers of two. */
export function quantise(pairs: usize, cells: usize, n: i32, scaleG: f64, scaleH: f64): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const g = <f64>load<f32>(pairs + (i << 3)) * scaleG;
    const h = <f64>load<f32>(pairs + (i << 3), 4) * scaleH;
    store<i64>(cells + (i << 4), <i64>nearest(g));
    store<i64>(cells + (i << 4), ((<i64>nearest(h)) << COUNT_BITS) | 1, 8);
  }
}

/** The sum of n rows' losses times their weights, in f64 and the rows' order. */
export function losses(scores: usize, labels: usize, weights: usize, n: i32, squared: bool): f64 {
  return addLosses(0, scores, labels, weights, <usize>n, squared);
}
