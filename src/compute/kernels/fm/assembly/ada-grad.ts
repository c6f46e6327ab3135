// AdaGrad's steps of one slice of the factors, or of two side by side: K dimensions of every feature's v, which share
// an accumulator.
//
//   v      f32[K] of a feature
//   n      f32 of a feature: 1, and the sum of its mean squared gradients over the slice's dimensions below dim
//   grad   x g S + (l2 - x x g) v                        that is x g (S - x v) + l2 v
//   step   n <- n + mean of grad^2;  v <- v - lr grad / sqrt(n)
//
// The features of a row are distinct, so four of them are updated at once, and one vector instruction handles their
// four accumulators.
//
// Type parameters: as in slice.ts; with W = v128, two slices of 8 are updated at once: v and the accumulator of the
// second slice follow those of the first. Source: Duchi et al. 2011, but for the shared accumulator
// (docs/algorithms/fm.md). Twin: ../fm.reference.ts.

import { addTo, inverseSqrt4, sum4 } from "../../shared/assembly/vector";
import {
  accumulatorAt,
  accumulatorStride,
  sliceAt,
  sumsAt,
  usedOf,
  BATCH_ROWS,
  Plan,
  Thread,
  ratesOf,
} from "./plan";
import { clearRepeats, isMarked, repeatAt, Slot, sumsOf } from "./repeats";

/** Takes a step for slice j of the vector of every feature of every row, in the order of the rows. */
export function updateAdaGrad<W, X, M>(plan: Plan, thread: Thread, j: u32): void {
  const P = sliceAt(plan, j);
  const stride = plan.featureStride;
  const N = accumulatorAt(plan, j);
  const strideN = accumulatorStride(plan, j);
  const S = sumsAt(plan, j);
  const strideS: usize = sizeof<W>() == 4 ? 16 : 32;
  const share = shareOfSquare(plan, j);
  const nextShare = sizeof<W>() == 16 ? shareOfSquare(plan, j + 1) : share;
  const numRows = thread.numRows;
  const ids = thread.ids;
  const toValue = thread.values - ids;
  const bytes = (<usize>thread.width) << 2;
  const bytesOfSum: usize = sizeof<W>() << 2;
  let lr = f32x4.splat(plan.vectorRate);
  let l2 = f32x4.splat(plan.l2Vector);
  let pair = ids;
  for (let r: usize = 0; r < numRows; r++) {
    const end = isFloat<X>() ? ids + ((<usize>load<u32>(thread.ends + (r << 2))) << 2) : pair + bytes;
    const g = v128.load32_splat(thread.gradients + (r << 2));
    // the gradient of v is c + decay v; for features with the value 1, c = g S and decay = l2 - g for the whole row
    const s = S + r * strideS;
    let c0 = f32x4.mul(g, v128.load(s));
    let c1 = sizeof<W>() >= 8 ? f32x4.mul(g, v128.load(s, 16)) : c0;
    let c2 = sizeof<W>() == 16 ? f32x4.mul(g, v128.load(s, NEXT_SUMS)) : c0;
    let c3 = sizeof<W>() == 16 ? f32x4.mul(g, v128.load(s, NEXT_SUMS + 16)) : c0;
    let decay = f32x4.sub(l2, g);
    if (!isFloat<X>() && !isSigned<M>()) {
      for (; pair + 16 <= end; pair += 16) {
        // leaves the loop over four features at once if one of them is marked as repeated in the batch
        if (i32x4.bitmask(v128.load(pair))) break;
        Four.step<W>(P, stride, N, strideN, pair, 0, c0, c1, decay, lr, share);
        if (sizeof<W>() == 16) Four.step<W>(P, stride, N, strideN, pair, 1, c2, c3, decay, lr, nextShare);
      }
    }
    for (; pair < end; pair += 4) {
      const feature = load<u32>(pair);
      if (isSigned<M>()) {
        const rates = ratesOf(plan, feature);
        l2 = v128.load32_splat(rates, 4);
        lr = f32x4.splat(plan.vectorRate * load<f32>(rates, 8));
        if (!isFloat<X>()) decay = f32x4.sub(l2, g);
      }
      if (isFloat<X>()) {
        const x = v128.load32_splat(pair + toValue);
        const xg = f32x4.mul(x, g);
        decay = f32x4.sub(l2, f32x4.mul(x, xg));
        c0 = f32x4.mul(xg, v128.load(s));
        if (sizeof<W>() >= 8) c1 = f32x4.mul(xg, v128.load(s, 16));
        if (sizeof<W>() == 16) c2 = f32x4.mul(xg, v128.load(s, NEXT_SUMS));
        if (sizeof<W>() == 16) c3 = f32x4.mul(xg, v128.load(s, NEXT_SUMS + 16));
      }
      const p = P + <usize>feature * stride;
      if (isMarked(feature)) {
        const sum = sumsOf(thread, Slot.of(thread, feature, bytesOfSum), bytesOfSum);
        addTo(sum, gradient(c0, decay, p));
        if (sizeof<W>() >= 8) addTo(sum + 16, gradient(c1, decay, p + 16));
        if (sizeof<W>() == 16) addTo(sum + 32, gradient(c2, decay, p + 32));
        if (sizeof<W>() == 16) addTo(sum + 48, gradient(c3, decay, p + 48));
        continue;
      }
      const n = N + <usize>feature * strideN;
      const g0 = gradient(c0, decay, p);
      stepOne<W>(p, n, g0, sizeof<W>() >= 8 ? gradient(c1, decay, p + 16) : g0, lr, share);
      if (sizeof<W>() == 16)
        stepOne<W>(p + 32, n + 4, gradient(c2, decay, p + 32), gradient(c3, decay, p + 48), lr, nextShare);
    }
  }

  // take one step for each feature marked as repeated, on the sum of its gradients
  for (let slot: u32 = 1; slot <= thread.numRepeats; slot++) {
    const feature = repeatAt(thread, slot).feature;
    const factor: f32 = isSigned<M>() ? load<f32>(ratesOf(plan, feature), 8) : 1;
    const rate = f32x4.splat(plan.vectorRate * factor);
    const p = P + <usize>feature * stride;
    const n = N + <usize>feature * strideN;
    const sum = sumsOf(thread, slot, bytesOfSum);
    stepOne<W>(p, n, v128.load(sum), v128.load(sum, 16), rate, share);
    if (sizeof<W>() == 16) stepOne<W>(p + 32, n + 4, v128.load(sum, 32), v128.load(sum, 48), rate, nextShare);
  }
  clearRepeats(thread);
}

/** Bytes from a slice's sums of v x, f32[BATCH_ROWS][8], to those of the next slice. */
const NEXT_SUMS: usize = (<usize>BATCH_ROWS) << 5;

function shareOfSquare(plan: Plan, j: u32): v128 {
  return f32x4.splat(1 / <f32>usedOf(plan, j));
}

function gradient(c: v128, decay: v128, p: usize): v128 {
  return f32x4.add(c, f32x4.mul(decay, v128.load(p)));
}

/** Returns the squares of a slice's gradient, added to four partial sums; g1 is used if a slice has 8 dimensions. */
function squares<W>(g0: v128, g1: v128): v128 {
  const square = f32x4.mul(g0, g0);
  return sizeof<W>() >= 8 ? f32x4.add(square, f32x4.mul(g1, g1)) : square;
}

/** @param n address of the slice's accumulator */
function stepOne<W>(p: usize, n: usize, g0: v128, g1: v128, lr: v128, share: v128): void {
  const sum = load<f32>(n) + f32x4.extract_lane(share, 0) * sum4(squares<W>(g0, g1));
  store<f32>(n, sum);
  move<W>(p, g0, g1, f32x4.mul(lr, inverseSqrt4(f32x4.splat(sum))));
}

function move<W>(p: usize, g0: v128, g1: v128, rate: v128): void {
  v128.store(p, f32x4.sub(v128.load(p), f32x4.mul(rate, g0)));
  if (sizeof<W>() >= 8) v128.store(p, f32x4.sub(v128.load(p, 16), f32x4.mul(rate, g1)), 16);
}

// a static method, because TypeScript allows decorators, such as AssemblyScript's `@inline`, only in classes
class Four {
  /**
   * Takes one step for a slice of each of four features that are not marked as repeated. The results are equal, bit for
   * bit, to those of four calls of stepOne.
   *
   * @param next 1 for the second of two adjacent slices
   */
  @inline
  static step<W>(
    P: usize,
    stride: usize,
    N: usize,
    strideN: usize,
    pair: usize,
    next: usize,
    c0: v128,
    c1: v128,
    decay: v128,
    lr: v128,
    share: v128,
  ): void {
    const pA = P + <usize>load<u32>(pair) * stride + (next << 5);
    const pB = P + <usize>load<u32>(pair, 4) * stride + (next << 5);
    const pC = P + <usize>load<u32>(pair, 8) * stride + (next << 5);
    const pD = P + <usize>load<u32>(pair, 12) * stride + (next << 5);
    const nA = N + <usize>load<u32>(pair) * strideN + (next << 2);
    const nB = N + <usize>load<u32>(pair, 4) * strideN + (next << 2);
    const nC = N + <usize>load<u32>(pair, 8) * strideN + (next << 2);
    const nD = N + <usize>load<u32>(pair, 12) * strideN + (next << 2);
    const a0 = gradient(c0, decay, pA);
    const b0 = gradient(c0, decay, pB);
    const d0 = gradient(c0, decay, pC);
    const e0 = gradient(c0, decay, pD);
    const a1 = sizeof<W>() >= 8 ? gradient(c1, decay, pA + 16) : a0;
    const b1 = sizeof<W>() >= 8 ? gradient(c1, decay, pB + 16) : b0;
    const d1 = sizeof<W>() >= 8 ? gradient(c1, decay, pC + 16) : d0;
    const e1 = sizeof<W>() >= 8 ? gradient(c1, decay, pD + 16) : e0;

    // computes four horizontal sums at once; each adds its elements in the order of sum4
    const a = squares<W>(a0, a1);
    const b = squares<W>(b0, b1);
    const d = squares<W>(d0, d1);
    const e = squares<W>(e0, e1);
    const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 1, 4, 5), v128.shuffle<f32>(a, b, 2, 3, 6, 7));
    const de = f32x4.add(v128.shuffle<f32>(d, e, 0, 1, 4, 5), v128.shuffle<f32>(d, e, 2, 3, 6, 7));
    const sums = f32x4.add(v128.shuffle<f32>(ab, de, 0, 2, 4, 6), v128.shuffle<f32>(ab, de, 1, 3, 5, 7));

    let n = v128.load32_zero(nA);
    n = v128.load32_lane(nB, n, 1);
    n = v128.load32_lane(nC, n, 2);
    n = v128.load32_lane(nD, n, 3);
    n = f32x4.add(n, f32x4.mul(share, sums));
    v128.store32_lane(nA, n, 0);
    v128.store32_lane(nB, n, 1);
    v128.store32_lane(nC, n, 2);
    v128.store32_lane(nD, n, 3);
    const rate = f32x4.mul(lr, inverseSqrt4(n));
    move<W>(pA, a0, a1, v128.shuffle<f32>(rate, rate, 0, 0, 0, 0));
    move<W>(pB, b0, b1, v128.shuffle<f32>(rate, rate, 1, 1, 1, 1));
    move<W>(pC, d0, d1, v128.shuffle<f32>(rate, rate, 2, 2, 2, 2));
    move<W>(pD, e0, e1, v128.shuffle<f32>(rate, rate, 3, 3, 3, 3));
  }
}
