// Computes gradients, which are minus dLoss/dscore, and losses from scores.
//
//   window  distance d, -left <= d <= right, d != 0:    (w - |d| + 1) / w   weight of the pair     logistic(-s)
//   noise                                              -K (mass of left + mass of right) / N        logistic(s)
//   mass    sum of (w - d + 1) / w times the weight of the pair, over d = 1 .. left or right, the number of contexts on
//           that side
//
// The weight of a noise row is its share of K samples per context. Without the factor mass, negatives would be w + 1
// times too weak.

import { log4 } from "../../shared/assembly/exp";
import { sum4 } from "../../shared/assembly/vector";
import { BLOCK, blocksOf, N, Plan, R, Thread } from "./plan";
import { sumOfSlices } from "./sums";

/**
 * Approximates tanh(s / 2) of a score s by its Padé approximant of degrees 7 and 6 in s / 2: within 1e-6 up to |s| =
 * 6.3 and 1e-4 up to 9.9, where scores are clipped. It needs no exponential, and stays below 1.
 */
export function tanhOfHalf(s: v128): v128 {
  const most = f32x4.splat(4.95);
  const x = f32x4.max(f32x4.min(f32x4.mul(s, f32x4.splat(0.5)), most), f32x4.neg(most));
  const q = f32x4.mul(x, x);
  let top = f32x4.add(q, f32x4.splat(378));
  top = f32x4.add(f32x4.mul(top, q), f32x4.splat(17325));
  top = f32x4.add(f32x4.mul(top, q), f32x4.splat(135135));
  let bottom = f32x4.add(f32x4.mul(q, f32x4.splat(28)), f32x4.splat(3150));
  bottom = f32x4.add(f32x4.mul(bottom, q), f32x4.splat(62370));
  bottom = f32x4.add(f32x4.mul(bottom, q), f32x4.splat(135135));
  return f32x4.div(f32x4.mul(x, top), bottom);
}

/**
 * Writes the gradients of row blocks from .. to - 1, and adds up their losses.
 * @param first the batch's first position
 */
export function scoresToGradients(plan: Plan, thread: Thread, first: u32, from: u32, to: u32): void {
  const blockRow = <usize>blocksOf(plan) * BLOCK;
  const stride = <usize>(R >>> 2) * blockRow;
  for (let rb = from; rb < to; rb++) {
    const at = <usize>rb * blockRow;
    const scores = sumOfSlices(plan, thread, plan.partials + at, stride, blockRow, 0, plan.numSlices, 0);
    let loss: f64 = 0;
    for (let r: u32 = 0; r < 4; r++) {
      const row = (<usize>r) << 4;
      loss += centreGradients(
        plan,
        first + (rb << 2) + r,
        r,
        scores + row,
        plan.gradients + at + row,
        thread.shares,
      );
    }
    const sum = plan.losses + ((<usize>rb) << 3);
    store<f64>(sum, load<f64>(sum) + loss);
  }
}

/** Writes the weights of a centre's contexts, by distance and by the two events. @param shares f32[4 nb] */
function weigh(plan: Plan, position: u32, r: u32, distanceWeights: usize, shares: usize): void {
  const own = v128.load32_splat(plan.weights + ((<usize>position) << 2));
  let others = plan.weights + ((<usize>(position - plan.window - r)) << 2);
  for (let k: u32 = 0; k < plan.numBlocks; k++) {
    const weight = f32x4.mul(own, v128.load(others));
    v128.store(shares, f32x4.mul(v128.load(distanceWeights), weight));
    distanceWeights += 16;
    others += 16;
    shares += 16;
  }
}

/** Returns the sum of the weights of one centre's contexts. */
function massOf(plan: Plan, r: u32, left: i32, right: i32, shares: usize): f32 {
  const at = shares + ((<usize>(plan.window + r)) << 2);
  let sum: f32 = 0;
  for (let d = -left; d <= right; d++) sum += load<f32>(at + ((<usize>d) << 2));
  return sum;
}

/**
 * Computes the gradients of one centre.
 *
 * @param r index of the centre in its row block
 * @param shares f32[4 nb]: buffer for the weights of its contexts, if events have weights
 * @returns the centre's loss in nats
 */
function centreGradients(
  plan: Plan,
  position: u32,
  r: u32,
  scores: usize,
  target: usize,
  shares: usize,
): f32 {
  const nb = plan.numBlocks;
  const exists = position < plan.numTokens;
  const left: i32 = exists ? load<u8>(plan.left + position) : 0;
  const right: i32 = exists ? load<u8>(plan.right + position) : 0;
  if (left + right == 0) {
    for (let k: u32 = 0; k < blocksOf(plan); k++, target += BLOCK) v128.store(target, f32x4.splat(0));
    return 0;
  }
  const half = f32x4.splat(0.5);
  let loss = f32x4.splat(0);

  // lane l of block k is the context at distance 4 k + l - w - r
  const nearest = i32x4.splat(-left);
  const furthest = i32x4.splat(right);
  let distance = i32x4.add(i32x4.splat(-(<i32>(plan.window + r))), i32x4(0, 1, 2, 3));
  let distanceWeights = plan.distanceWeights + ((<usize>(r * nb)) << 4);
  if (plan.weights) {
    weigh(plan, position, r, distanceWeights, shares);
    distanceWeights = shares;
  }
  for (let k: u32 = 0; k < nb; k++) {
    const seen = v128.and(i32x4.ge_s(distance, nearest), i32x4.le_s(distance, furthest));
    const share = v128.and(v128.load(distanceWeights), seen);
    const t = tanhOfHalf(v128.load(scores));
    v128.store(target, f32x4.mul(share, f32x4.sub(half, f32x4.mul(half, t))));
    loss = f32x4.sub(loss, f32x4.mul(share, log4(f32x4.add(half, f32x4.mul(half, t)))));
    distance = i32x4.add(distance, i32x4.splat(4));
    distanceWeights += 16;
    scores += BLOCK;
    target += BLOCK;
  }

  // losses of noise rows: one logarithm of a product of four factors replaces four logarithms; the product cannot
  // underflow
  const mass: f32 = plan.weights
    ? load<f32>(plan.noiseWeights, 4) * massOf(plan, r, left, right, shares)
    : load<f32>(plan.noiseWeights + ((<usize>left) << 2)) +
      load<f32>(plan.noiseWeights + ((<usize>right) << 2));
  const share = f32x4.splat(mass);
  let product = f32x4.splat(1);
  for (let k: u32 = 0; k < N >>> 2; k++, scores += BLOCK, target += BLOCK) {
    const t = tanhOfHalf(v128.load(scores));
    const logistic = f32x4.add(half, f32x4.mul(half, t));
    v128.store(target, f32x4.neg(f32x4.mul(share, logistic)));
    product = f32x4.mul(product, f32x4.sub(f32x4.splat(1), logistic));
  }
  loss = f32x4.sub(loss, f32x4.mul(share, log4(product)));
  return sum4(loss);
}
