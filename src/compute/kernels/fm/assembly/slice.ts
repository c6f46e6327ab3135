// One slice of the factors: K dimensions of every feature's v, with SGD's and Adam's steps; AdaGrad's are in
// ada-grad.ts.
//
//   x       value of a feature in a row; 1 in a one-hot row
//   v       f32[K]; behind it Adam's state, f32[3][K]
//   S       f32[K]: sum of x v over the row's features, at the batch's start
//   g       dLoss/dscore of the row, at the batch's start
//   score   0.5 sum over dimensions of (S^2 - sum of (x v)^2)
//   grad    x g (S - x v) + l2 v
//   step    shared/assembly/steps.ts
//
// Type parameters stand for constants that the compiler folds: sizeof<W>() is K (u32: 4, u64: 8), and X is f32 for
// pairs with values, u32 for one-hot rows; M is the method (plan.ts). Source: Rendle 2010, eq. 1, 3 and 4. Twin:
// ../fm.reference.ts.

import { step } from "../../shared/assembly/steps";
import { sum4 } from "../../shared/assembly/vector";
import { accumulatorAt, accumulatorStride, sliceAt, sumsAt, Plan, Thread, ratesOf } from "./plan";
import { clearRepeats, countRepeats, shareOf } from "./repeats";

/**
 * Writes each row's S and this slice's part of its score.
 *
 * @param sums    f32[B][K]: S of each of the batch's B rows
 * @param partial f32[B]
 * @param touches whether to prefetch the accumulators for the update, while the loop waits for v anyway
 */
export function forward<W, X>(
  plan: Plan,
  thread: Thread,
  j: u32,
  sums: usize,
  partial: usize,
  touches: bool,
): void {
  const P = sliceAt(plan, j);
  const stride = plan.featureStride;
  const N = touches ? accumulatorAt(plan, j) : 0;
  const strideN = touches ? accumulatorStride(plan, j) : 0;
  let touched: u32 = 0;
  const numRows = thread.numRows;
  const ids = thread.ids;
  // ids and values are parallel, so the distance from a pair's id to its value is the same for all pairs
  const toValue = thread.values - ids;
  const bytes = (<usize>thread.width) << 2;
  let pair = ids;
  for (let r: usize = 0; r < numRows; r++) {
    const end = isFloat<X>() ? ids + ((<usize>load<u32>(thread.ends + (r << 2))) << 2) : pair + bytes;
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let squares = f32x4.splat(0);
    for (; pair < end; pair += 4) {
      const feature = <usize>load<u32>(pair);
      const p = P + feature * stride;
      if (touches) touched |= load<u32>(N + feature * strideN);
      let v0 = v128.load(p);
      if (isFloat<X>()) v0 = f32x4.mul(v0, v128.load32_splat(pair + toValue));
      s0 = f32x4.add(s0, v0);
      if (sizeof<W>() == 8) {
        let v1 = v128.load(p, 16);
        if (isFloat<X>()) v1 = f32x4.mul(v1, v128.load32_splat(pair + toValue));
        s1 = f32x4.add(s1, v1);
        squares = f32x4.add(squares, f32x4.add(f32x4.mul(v0, v0), f32x4.mul(v1, v1)));
      } else {
        squares = f32x4.add(squares, f32x4.mul(v0, v0));
      }
    }
    let products = f32x4.mul(s0, s0);
    if (sizeof<W>() == 8) {
      products = f32x4.add(products, f32x4.mul(s1, s1));
      v128.store(sums + (r << 5), s0);
      v128.store(sums + (r << 5), s1, 16);
    } else {
      v128.store(sums + (r << 4), s0);
    }
    store<f32>(partial + (r << 2), 0.5 * sum4(f32x4.sub(products, squares)));
  }
  thread.touched = touched;
}

/** Takes a step for slice j of the vector of every feature of every row, in the order of the rows. */
export function update<W, X, M>(plan: Plan, thread: Thread, j: u32): void {
  const P = sliceAt(plan, j);
  const sums = sumsAt(plan, j);
  const numRows = thread.numRows;
  const stride = plan.featureStride;
  const ids = thread.ids;
  const toValue = thread.values - ids;
  const bytes = (<usize>thread.width) << 2;
  const apart: usize = sizeof<W>() << 2; // number of bytes from a feature's vector to its optimizer state
  let l2 = f32x4.splat(plan.l2Vector);
  countRepeats(thread);
  let pair = ids;
  for (let r: usize = 0; r < numRows; r++) {
    const end = isFloat<X>() ? ids + ((<usize>load<u32>(thread.ends + (r << 2))) << 2) : pair + bytes;
    const g = v128.load32_splat(thread.gradients + (r << 2));
    const s0 = v128.load(sums + r * apart);
    const s1 = sizeof<W>() == 8 ? v128.load(sums + (r << 5), 16) : s0;
    for (; pair < end; pair += 4) {
      const feature = load<u32>(pair);
      const p = P + <usize>feature * stride;
      const x = isFloat<X>() ? v128.load32_splat(pair + toValue) : g;
      let rate = plan.vectorRate * shareOf(plan, thread, feature);
      if (isSigned<M>()) {
        const rates = ratesOf(plan, feature);
        l2 = v128.load32_splat(rates, 4);
        rate *= load<f32>(rates, 8);
      }
      const lr = f32x4.splat(rate);
      move<X, M>(p, apart, x, g, s0, lr, l2);
      if (sizeof<W>() == 8) move<X, M>(p + 16, apart, x, g, s1, lr, l2);
    }
  }
  clearRepeats(thread);
}

function move<X, M>(p: usize, apart: usize, x: v128, g: v128, s: v128, lr: v128, l2: v128): void {
  const v = v128.load(p);
  step<M, v128>(p, apart, v, gradient<X>(v, x, g, s, l2), lr);
}

function gradient<X>(v: v128, x: v128, g: v128, s: v128, l2: v128): v128 {
  const ofLoss = isFloat<X>()
    ? f32x4.mul(f32x4.mul(x, g), f32x4.sub(s, f32x4.mul(x, v)))
    : f32x4.mul(g, f32x4.sub(s, v));
  return f32x4.add(ofLoss, f32x4.mul(l2, v));
}
