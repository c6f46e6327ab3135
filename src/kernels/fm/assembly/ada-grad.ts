// AdaGrad's steps of one slice of the factors: K dimensions of every feature's v, which share an accumulator.
//
//   v      f32[K] of a feature
//   n      f32 of a feature: 1 and the sum of its mean squared gradients, over the slice's dimensions below dim
//   grad   x g S + (l2 - x x g) v                        slice.ts: x g (S - x v) + l2 v
//   step   n <- n + mean of grad^2;  v <- v - lr grad / sqrt(n)
//
// A row's features are distinct, so four of them move at once and share the arithmetic of their accumulators.
//
// Type parameters: slice.ts. Source: Duchi et al. 2011, with one accumulator a slice (docs/algorithms/fm.md). Twin: ../reference.ts.

import { addTo, inverseSqrt4, sum4 } from "../../shared/assembly/vector";
import { Plan, Thread } from "./plan";
import { ratesOf } from "./rates";
import { clearRepeats, isMarked, repeatAt, slotOf, sumsOf } from "./repeats";

/**
 * Moves v of every feature of every row, in the rows' order, one step each time it occurs; marked ones as repeats.ts says.
 *
 * @param P    f32[n][K] in steps of plan.featureStride
 * @param N    f32[n] in steps of strideN
 * @param sums f32[B][K]: S of each row
 * @param used dimensions of the slice below dim
 */
export function updateAdaGrad<W, X, M>(plan: Plan, thread: Thread, P: usize, N: usize, strideN: usize, sums: usize, used: u32): void {
  const numRows = thread.numRows;
  const stride = plan.featureStride;
  const ids = thread.ids;
  const toValue = thread.values - ids;
  const bytes = (<usize>thread.width) << 2;
  const bytesOfSlice: usize = sizeof<W>() << 2;
  const share = f32x4.splat(1 / <f32>used);
  let lr = f32x4.splat(plan.vectorRate);
  let l2 = f32x4.splat(plan.l2Vector);
  let pair = ids;
  for (let r: usize = 0; r < numRows; r++) {
    const end = isFloat<X>() ? ids + ((<usize>load<u32>(thread.ends + (r << 2))) << 2) : pair + bytes;
    const g = v128.load32_splat(thread.gradients + (r << 2));
    const s0 = v128.load(sums + r * bytesOfSlice);
    const s1 = sizeof<W>() == 8 ? v128.load(sums + (r << 5), 16) : s0;
    // of one-hot rows: grad = c + decay v
    let c0 = f32x4.mul(g, s0);
    let c1 = f32x4.mul(g, s1);
    let decay = f32x4.sub(l2, g);
    if (!isFloat<X>() && !isSigned<M>()) {
      for (; pair + 16 <= end; pair += 16) {
        if (i32x4.bitmask(v128.load(pair))) break;
        const idA = <usize>load<u32>(pair);
        const idB = <usize>load<u32>(pair, 4);
        const idC = <usize>load<u32>(pair, 8);
        const idD = <usize>load<u32>(pair, 12);
        const pA = P + idA * stride;
        const pB = P + idB * stride;
        const pC = P + idC * stride;
        const pD = P + idD * stride;
        const nA = N + idA * strideN;
        const nB = N + idB * strideN;
        const nC = N + idC * strideN;
        const nD = N + idD * strideN;
        const a0 = f32x4.add(c0, f32x4.mul(decay, v128.load(pA)));
        const b0 = f32x4.add(c0, f32x4.mul(decay, v128.load(pB)));
        const d0 = f32x4.add(c0, f32x4.mul(decay, v128.load(pC)));
        const e0 = f32x4.add(c0, f32x4.mul(decay, v128.load(pD)));
        let a1 = a0;
        let b1 = b0;
        let d1 = d0;
        let e1 = e0;
        let squaresA = f32x4.mul(a0, a0);
        let squaresB = f32x4.mul(b0, b0);
        let squaresC = f32x4.mul(d0, d0);
        let squaresD = f32x4.mul(e0, e0);
        if (sizeof<W>() == 8) {
          a1 = f32x4.add(c1, f32x4.mul(decay, v128.load(pA, 16)));
          b1 = f32x4.add(c1, f32x4.mul(decay, v128.load(pB, 16)));
          d1 = f32x4.add(c1, f32x4.mul(decay, v128.load(pC, 16)));
          e1 = f32x4.add(c1, f32x4.mul(decay, v128.load(pD, 16)));
          squaresA = f32x4.add(squaresA, f32x4.mul(a1, a1));
          squaresB = f32x4.add(squaresB, f32x4.mul(b1, b1));
          squaresC = f32x4.add(squaresC, f32x4.mul(d1, d1));
          squaresD = f32x4.add(squaresD, f32x4.mul(e1, e1));
        }
        // (0 + 2) + (1 + 3) of each, as sum4
        const ab = f32x4.add(
          v128.shuffle<f32>(squaresA, squaresB, 0, 1, 4, 5),
          v128.shuffle<f32>(squaresA, squaresB, 2, 3, 6, 7),
        );
        const cd = f32x4.add(
          v128.shuffle<f32>(squaresC, squaresD, 0, 1, 4, 5),
          v128.shuffle<f32>(squaresC, squaresD, 2, 3, 6, 7),
        );
        const total = f32x4.add(v128.shuffle<f32>(ab, cd, 0, 2, 4, 6), v128.shuffle<f32>(ab, cd, 1, 3, 5, 7));
        let n = v128.load32_zero(nA);
        n = v128.load32_lane(nB, n, 1);
        n = v128.load32_lane(nC, n, 2);
        n = v128.load32_lane(nD, n, 3);
        n = f32x4.add(n, f32x4.mul(share, total));
        v128.store32_lane(nA, n, 0);
        v128.store32_lane(nB, n, 1);
        v128.store32_lane(nC, n, 2);
        v128.store32_lane(nD, n, 3);
        const rate = f32x4.mul(lr, inverseSqrt4(n));
        moveSlice<W>(pA, a0, a1, v128.shuffle<f32>(rate, rate, 0, 0, 0, 0));
        moveSlice<W>(pB, b0, b1, v128.shuffle<f32>(rate, rate, 1, 1, 1, 1));
        moveSlice<W>(pC, d0, d1, v128.shuffle<f32>(rate, rate, 2, 2, 2, 2));
        moveSlice<W>(pD, e0, e1, v128.shuffle<f32>(rate, rate, 3, 3, 3, 3));
      }
    }
    for (; pair < end; pair += 4) {
      const feature = load<u32>(pair);
      if (isMarked(feature)) break; // and so are the rest
      const p = P + <usize>feature * stride;
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
        c0 = f32x4.mul(xg, s0);
        c1 = f32x4.mul(xg, s1);
      }
      const g0 = f32x4.add(c0, f32x4.mul(decay, v128.load(p)));
      const g1 = sizeof<W>() == 8 ? f32x4.add(c1, f32x4.mul(decay, v128.load(p, 16))) : g0;
      stepSlice<W>(p, N + <usize>feature * strideN, g0, g1, lr, share);
    }
    for (; pair < end; pair += 4) {
      const feature = load<u32>(pair);
      const p = P + <usize>feature * stride;
      if (isSigned<M>()) {
        l2 = v128.load32_splat(ratesOf(plan, feature), 4);
        if (!isFloat<X>()) decay = f32x4.sub(l2, g);
      }
      if (isFloat<X>()) {
        const x = v128.load32_splat(pair + toValue);
        const xg = f32x4.mul(x, g);
        decay = f32x4.sub(l2, f32x4.mul(x, xg));
        c0 = f32x4.mul(xg, s0);
        c1 = f32x4.mul(xg, s1);
      }
      const sum = sumsOf(thread, slotOf(thread, feature, bytesOfSlice), bytesOfSlice);
      addTo(sum, f32x4.add(c0, f32x4.mul(decay, v128.load(p))));
      if (sizeof<W>() == 8) addTo(sum + 16, f32x4.add(c1, f32x4.mul(decay, v128.load(p, 16))));
    }
  }
  stepRepeats<W, M>(plan, thread, P, N, strideN, share);
  clearRepeats(thread);
}

/** One step of a feature's slice. @param n address of its accumulator @param share 1 / used */
function stepSlice<W>(p: usize, n: usize, g0: v128, g1: v128, lr: v128, share: v128): void {
  let squares = f32x4.mul(g0, g0);
  if (sizeof<W>() == 8) squares = f32x4.add(squares, f32x4.mul(g1, g1));
  const sum = load<f32>(n) + f32x4.extract_lane(share, 0) * sum4(squares);
  store<f32>(n, sum);
  moveSlice<W>(p, g0, g1, f32x4.mul(lr, inverseSqrt4(f32x4.splat(sum))));
}

function moveSlice<W>(p: usize, g0: v128, g1: v128, rate: v128): void {
  v128.store(p, f32x4.sub(v128.load(p), f32x4.mul(rate, g0)));
  if (sizeof<W>() == 8) v128.store(p, f32x4.sub(v128.load(p, 16), f32x4.mul(rate, g1)), 16);
}

/** Moves v of each marked feature one step on the sum of its gradients. */
function stepRepeats<W, M>(plan: Plan, thread: Thread, P: usize, N: usize, strideN: usize, share: v128): void {
  const bytesOfSlice: usize = sizeof<W>() << 2;
  for (let slot: u32 = 1; slot <= thread.numRepeats; slot++) {
    const feature = repeatAt(thread, slot).feature;
    const factor: f32 = isSigned<M>() ? load<f32>(ratesOf(plan, feature), 8) : 1;
    const sums = sumsOf(thread, slot, bytesOfSlice);
    const g0 = v128.load(sums);
    const g1 = sizeof<W>() == 8 ? v128.load(sums, 16) : g0;
    const p = P + <usize>feature * plan.featureStride;
    stepSlice<W>(p, N + <usize>feature * strideN, g0, g1, f32x4.splat(plan.vectorRate * factor), share);
  }
}
