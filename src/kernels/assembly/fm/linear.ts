// The linear slice: w of every feature, with its accumulator beside it: f32[n][2].
//
//   score   sum of x w
//   grad    x g + l2 w
//   step    n <- n + grad^2;  w <- w - lr grad / sqrt(n)
//
// A row's features are distinct, so four of them are moved at once. Twin: ../../reference/fm.ts.

import { inverseSqrt4, sum4 } from "../math/vector";
import { Thread } from "./plan";

/** Address of w of the feature that the pair names. */
function weightOf(L: usize, pair: usize, i: usize): usize {
  return L + ((<usize>load<u32>(pair + (i << 2))) << 3);
}

/**
 * Writes each row's sum of x w.
 *
 * @param L f32[n][2]
 * @param partial f32[B]
 */
export function forwardLinear<X>(thread: Thread, L: usize, partial: usize): void {
  const numRows = thread.numRows;
  const ids = thread.ids;
  const toValue = thread.values - ids;
  const bytes = (<usize>thread.width) << 2;
  let pair = ids;
  for (let r: usize = 0; r < numRows; r++) {
    const end = isFloat<X>() ? ids + ((<usize>load<u32>(thread.ends + (r << 2))) << 2) : pair + bytes;
    let sums = f32x4.splat(0);
    for (; pair + 16 <= end; pair += 16) {
      let w = v128.load32_zero(weightOf(L, pair, 0));
      w = v128.load32_lane(weightOf(L, pair, 1), w, 1);
      w = v128.load32_lane(weightOf(L, pair, 2), w, 2);
      w = v128.load32_lane(weightOf(L, pair, 3), w, 3);
      sums = f32x4.add(sums, isFloat<X>() ? f32x4.mul(w, v128.load(pair + toValue)) : w);
    }
    let sum = sum4(sums);
    for (; pair < end; pair += 4) {
      const w = load<f32>(weightOf(L, pair, 0));
      sum += isFloat<X>() ? w * load<f32>(pair + toValue) : w;
    }
    store<f32>(partial + (r << 2), sum);
  }
}

/** Moves w of every feature of every row, in the rows' order, one AdaGrad step each time it occurs. */
export function updateLinear<X>(thread: Thread, L: usize, learningRate: f32, l2Weight: f32): void {
  const numRows = thread.numRows;
  const ids = thread.ids;
  const toValue = thread.values - ids;
  const bytes = (<usize>thread.width) << 2;
  const lr = f32x4.splat(learningRate);
  const l2 = f32x4.splat(l2Weight);
  let pair = ids;
  for (let r: usize = 0; r < numRows; r++) {
    const end = isFloat<X>() ? ids + ((<usize>load<u32>(thread.ends + (r << 2))) << 2) : pair + bytes;
    const g = v128.load32_splat(thread.gradients + (r << 2));
    for (; pair + 16 <= end; pair += 16) {
      const p0 = weightOf(L, pair, 0);
      const p1 = weightOf(L, pair, 1);
      const p2 = weightOf(L, pair, 2);
      const p3 = weightOf(L, pair, 3);
      // (w0 n0 w1 n1) (w2 n2 w3 n3) become (w0 w1 w2 w3) (n0 n1 n2 n3)
      const first = v128.load64_lane(p1, v128.load64_zero(p0), 1);
      const second = v128.load64_lane(p3, v128.load64_zero(p2), 1);
      let w = v128.shuffle<f32>(first, second, 0, 2, 4, 6);
      let n = v128.shuffle<f32>(first, second, 1, 3, 5, 7);
      const dScore = isFloat<X>() ? f32x4.mul(g, v128.load(pair + toValue)) : g;
      const grad = f32x4.add(dScore, f32x4.mul(l2, w));
      n = f32x4.add(n, f32x4.mul(grad, grad));
      w = f32x4.sub(w, f32x4.mul(f32x4.mul(lr, grad), inverseSqrt4(n)));
      const low = v128.shuffle<f32>(w, n, 0, 4, 1, 5);
      const high = v128.shuffle<f32>(w, n, 2, 6, 3, 7);
      v128.store64_lane(p0, low, 0);
      v128.store64_lane(p1, low, 1);
      v128.store64_lane(p2, high, 0);
      v128.store64_lane(p3, high, 1);
    }
    for (; pair < end; pair += 4) {
      const p = weightOf(L, pair, 0);
      const w = v128.load32_splat(p);
      const dScore = isFloat<X>() ? f32x4.mul(g, v128.load32_splat(pair + toValue)) : g;
      const grad = f32x4.add(dScore, f32x4.mul(l2, w));
      const n = f32x4.add(v128.load32_splat(p + 4), f32x4.mul(grad, grad));
      const moved = f32x4.sub(w, f32x4.mul(f32x4.mul(lr, grad), inverseSqrt4(n)));
      v128.store32_lane(p, moved, 0);
      v128.store32_lane(p + 4, n, 0);
    }
  }
}
