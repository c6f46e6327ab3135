// Scores → gradients, which are minus dLoss/dscore, and losses.
//
//   band    distance d, -left <= d <= right, d != 0:    (w - |d| + 1) / w   weight of the pair     logistic(-s)
//   noise                                              -K (mass of left + mass of right) / N        logistic(s)
//   mass    sum of (w - d + 1) / w times the weight of the pair, over d = 1 .. what a centre sees on that side
//
// Each noise row stands for its share of K draws a positive. Without the mass negatives would be w + 1 times too weak.

import { log4 } from "../../shared/assembly/exp";
import { sum4 } from "../../shared/assembly/vector";
import { B, BLOCK, blocksOf, G, N, Plan, R, Thread } from "./plan";

/**
 * tanh(s / 2) by its Padé approximant of degrees 7 and 6 in s / 2: within 1e-6 up to |s| = 6.3 and 1e-4 up to 9.9, where scores are cut.
 * It needs no exponential, and stays below 1.
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

/** Adds the slices' parts of a block's row, in their order. @param stride bytes from one slice to the next */
export function scoresAt(partials: usize, stride: usize, numSlices: u32): v128 {
  let sum = v128.load(partials);
  for (let j: u32 = 1; j < numSlices; j++) {
    partials += stride;
    sum = f32x4.add(sum, v128.load(partials));
  }
  return sum;
}

/**
 * Writes the batch's gradients. Every thread makes all of them, and counts the losses of its share of the groups.
 *
 * @param partials f32[J][R / 4][nb + N / 4][4][4]
 */
export function scoresToGradients(plan: Plan, thread: Thread, index: u32, first: u32, partials: usize): void {
  const blockRow = <usize>blocksOf(plan) * BLOCK;
  const stride = <usize>(R >>> 2) * blockRow;
  for (let g: u32 = 0; g < B; g++) {
    const counts = g % plan.numThreads == index;
    let loss: f64 = 0;
    for (let i = g * G; i < (g + 1) * G; i++) {
      const at = <usize>(i >>> 2) * blockRow + <usize>((i & 3) << 4);
      loss += centreGradients(
        plan,
        first + i,
        i & 3,
        partials + at,
        stride,
        thread.gradients + at,
        thread.shares,
        counts,
      );
    }
    if (counts) {
      const sum = plan.losses + ((<usize>g) << 3);
      store<f64>(sum, load<f64>(sum) + loss);
    }
  }
}

/** Writes what a centre's contexts count by their distance and by the two events. @param shares f32[4 nb] */
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

/** The sum of these over the contexts that it sees. */
function massOf(plan: Plan, r: u32, left: i32, right: i32, shares: usize): f32 {
  const at = shares + ((<usize>(plan.window + r)) << 2);
  let sum: f32 = 0;
  for (let d = -left; d <= right; d++) sum += load<f32>(at + ((<usize>d) << 2));
  return sum;
}

/**
 * One centre's row of each block.
 *
 * @param r its place in the row block
 * @param shares f32[4 nb]: room for the weights of its contexts, where events have some
 * @returns its loss in nats, if that counts
 */
function centreGradients(
  plan: Plan,
  position: u32,
  r: u32,
  partials: usize,
  stride: usize,
  target: usize,
  shares: usize,
  counts: bool,
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

  // its contexts: lane l of block k is at distance 4 k + l - w - r
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
    const t = tanhOfHalf(scoresAt(partials, stride, plan.numSlices));
    v128.store(target, f32x4.mul(share, f32x4.sub(half, f32x4.mul(half, t))));
    if (counts) loss = f32x4.sub(loss, f32x4.mul(share, log4(f32x4.add(half, f32x4.mul(half, t)))));
    distance = i32x4.add(distance, i32x4.splat(4));
    distanceWeights += 16;
    partials += BLOCK;
    target += BLOCK;
  }

  // noise; the log of a product of four is one log in place of four, and far from underflow
  const mass: f32 = plan.weights
    ? load<f32>(plan.noiseWeights, 4) * massOf(plan, r, left, right, shares)
    : load<f32>(plan.noiseWeights + ((<usize>left) << 2)) +
      load<f32>(plan.noiseWeights + ((<usize>right) << 2));
  const share = f32x4.splat(mass);
  let product = f32x4.splat(1);
  for (let k: u32 = 0; k < N >>> 2; k++, partials += BLOCK, target += BLOCK) {
    const t = tanhOfHalf(scoresAt(partials, stride, plan.numSlices));
    const logistic = f32x4.add(half, f32x4.mul(half, t));
    v128.store(target, f32x4.neg(f32x4.mul(share, logistic)));
    product = f32x4.mul(product, f32x4.sub(f32x4.splat(1), logistic));
  }
  if (counts) loss = f32x4.sub(loss, f32x4.mul(share, log4(product)));
  return sum4(loss);
}
