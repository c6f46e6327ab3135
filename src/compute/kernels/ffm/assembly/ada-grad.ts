// AdaGrad's steps. The vectors of a feature for one block of partner fields share an accumulator.
//
//   s      f32 of a row's feature and a block of partner fields: sum of |x_i x_j v_(j, a)|^2, at the batch's start
//   n      f32 of a feature and a block: starts at 1, and each row adds g^2 s / (fields of the block, times dim)
//   lr     learning rate / sqrt(n)
//
// s is computed with the scores, where the processor waits for memory anyway. L2 is no part of it.
// Source: Duchi et al. 2011, but for the shared accumulator (docs/algorithms/ffm.md). Twin: ../ffm.reference.ts.

import { accumulatorAt, accumulatorStride, ratesOf } from "../../fm/assembly/plan";
import { countRepeats, isMarked, numPairsOf, repeatAt, Slot, sumsOf } from "../../fm/assembly/repeats";
import { inverseSqrt4, sum4 } from "../../shared/assembly/vector";
import { bytesOfPartner, endOf, placeOf, squaresAt, startOf, strideAt, vectorsAt } from "./pairs";
import { FfmPlan, FfmThread, Tile } from "./plan";

/**
 * Adds the mean squared gradient of each row's features in a tile to their accumulators, and replaces the row's sums of
 * squares by the learning rates of the steps.
 */
export function growAccumulators<X, M>(plan: FfmPlan, thread: FfmThread, tile: Tile): void {
  growBlock<X, M>(plan, thread, tile.blockA, tile.fromA, tile.toA, tile.blockB);
  if (tile.blockA != tile.blockB)
    growBlock<X, M>(plan, thread, tile.blockB, tile.fromB, tile.toB, tile.blockA);
}

/** Grows the accumulators, for partner fields of block `partners`, of features in fields from .. to - 1 of a block. */
function growBlock<X, M>(
  plan: FfmPlan,
  thread: FfmThread,
  block: u32,
  from: u32,
  to: u32,
  partners: u32,
): void {
  const place = placeOf(plan, block, partners);
  const N = accumulatorAt(plan, place);
  const stride = accumulatorStride(plan, place);
  const share = shareOfSquare(plan, partners);
  const toSquare = squaresAt(thread, partners) - thread.ids;
  const bytes = (<usize>thread.width) << 2;
  const lr = f32x4.splat(plan.vectorRate);
  let row = thread.ids;
  for (let r: usize = 0; r < thread.numRows; r++, row += bytes) {
    let i = isFloat<X>() ? startOf(plan, thread, r, block) : row + ((<usize>from) << 2);
    const end = isFloat<X>() ? endOf(plan, thread, r, block) : row + ((<usize>to) << 2);
    let g = load<f32>(thread.gradients + (r << 2));
    if (!isFloat<X>()) g *= thread.unit;
    const factor = g * g * share;
    if (!isSigned<M>()) {
      for (; i + 16 <= end; i += 16)
        v128.store(i + toSquare, growFour(N, stride, i, i + toSquare, f32x4.splat(factor), lr));
    }
    for (; i < end; i += 4) {
      const id = load<u32>(i);
      const square = factor * load<f32>(i + toSquare);
      store<f32>(i + toSquare, isMarked(id) ? 0 : rateOf<M>(plan, id, N + <usize>id * stride, square));
    }
  }
}

/**
 * Grows the accumulators of four features of a row at once. The results are equal, bit for bit, to those of one feature
 * after another, because a row's features are distinct.
 *
 * @returns the learning rate of each feature's step
 */
export function growFour(N: usize, stride: usize, ids: usize, squares: usize, factor: v128, lr: v128): v128 {
  const n0 = N + <usize>load<u32>(ids) * stride;
  const n1 = N + <usize>load<u32>(ids, 4) * stride;
  const n2 = N + <usize>load<u32>(ids, 8) * stride;
  const n3 = N + <usize>load<u32>(ids, 12) * stride;
  let n = v128.load32_zero(n0);
  n = v128.load32_lane(n1, n, 1);
  n = v128.load32_lane(n2, n, 2);
  n = v128.load32_lane(n3, n, 3);
  // features marked as repeated take their step at the end of the batch
  const marked = i32x4.shr_s(v128.load(ids), 31);
  n = f32x4.add(n, v128.andnot(f32x4.mul(factor, v128.load(squares)), marked));
  v128.store32_lane(n0, n, 0);
  v128.store32_lane(n1, n, 1);
  v128.store32_lane(n2, n, 2);
  v128.store32_lane(n3, n, 3);
  return v128.andnot(f32x4.mul(lr, inverseSqrt4(n)), marked);
}

export function shareOfSquare(plan: FfmPlan, block: u32): f32 {
  const fields = min(plan.blockFields, plan.numFields - block * plan.blockFields);
  return 1 / <f32>(fields * plan.dim);
}

/** Adds `square` to an accumulator, and returns the learning rate of the feature's step. */
function rateOf<M>(plan: FfmPlan, id: u32, accumulator: usize, square: f32): f32 {
  const n = load<f32>(accumulator) + square;
  store<f32>(accumulator, n);
  const rate = plan.vectorRate * f32x4.extract_lane(inverseSqrt4(f32x4.splat(n)), 0);
  return isSigned<M>() ? rate * load<f32>(ratesOf(plan, id), 8) : rate;
}

/** Counts the rows of each marked feature of the batch. For AdaGrad, also sets the sums of its gradients to 0. */
export function openRepeats(plan: FfmPlan, thread: FfmThread): void {
  if (!plan.accumulators) {
    countRepeats(thread);
    return;
  }
  const bytes = bytesOfSums(plan);
  const end = thread.ids + (numPairsOf(thread) << 2);
  const toSums = thread.sumsOfPairs - thread.ids;
  for (let pair = thread.ids; pair < end; pair += 4) {
    const id = load<u32>(pair);
    if (isMarked(id)) {
      const slot = Slot.of(thread, id, 0);
      repeatAt(thread, slot).count++;
      store<u32>(pair + toSums, <u32>sumsOf(thread, slot, bytes));
    } else {
      store<u32>(pair + toSums, 0);
    }
  }
  memory.fill(sumsOf(thread, 1, bytes), 0, <usize>thread.numRepeats * bytes);
}

/** Takes the step of each marked feature of the tile on the sums of its gradients, and resets the sums. */
export function stepRepeats<X, M>(plan: FfmPlan, thread: FfmThread, tile: Tile): void {
  const bytes = bytesOfSums(plan);
  const partner = bytesOfPartner(plan);
  for (let slot: u32 = 1; slot <= thread.numRepeats; slot++) {
    const repeat = repeatAt(thread, slot);
    const feature = repeat.feature;
    const field = load<u32>(plan.fieldOf + ((<usize>feature) << 2));
    const own = field / plan.blockFields;
    if (own != tile.blockA && own != tile.blockB) continue;
    const block = own == tile.blockA ? tile.blockB : tile.blockA;
    let sum = sumsOf(thread, slot, bytes);
    const counts = sum + bytes - 16;
    let squares = f32x4.splat(0);
    for (let at = sum; at < counts; at += 16)
      squares = f32x4.add(squares, f32x4.mul(v128.load(at), v128.load(at)));
    const place = placeOf(plan, own, block);
    const n = accumulatorAt(plan, place) + <usize>feature * accumulatorStride(plan, place);
    const rate = rateOf<M>(plan, feature, n, shareOfSquare(plan, block) * sum4(squares));
    const l2 = isSigned<M>() ? load<f32>(ratesOf(plan, feature), 4) : plan.l2Vector;
    const lr = f32x4.splat(rate);
    let p = vectorsAt(plan, place) + <usize>feature * strideAt(plan, place);
    for (let f: u32 = 0; f < plan.blockFields; f++) {
      // a one-hot row contains one pair of features for each other field
      const meets = block * plan.blockFields + f != field;
      const count = isFloat<X>() ? load<f32>(counts + ((<usize>f) << 2)) : meets ? <f32>repeat.count : 0;
      const keep = f32x4.splat(1 - rate * l2 * count);
      for (const end = p + partner; p < end; p += 16, sum += 16) {
        v128.store(p, f32x4.sub(f32x4.mul(keep, v128.load(p)), f32x4.mul(lr, v128.load(sum))));
        v128.store(sum, f32x4.splat(0));
      }
    }
    v128.store(counts, f32x4.splat(0));
  }
}

/** Increments the number of pairs of a marked feature with the field of `partner`. */
export function countPair(plan: FfmPlan, sums: usize, partner: u32): void {
  const field = <usize>(load<u32>(plan.fieldOf + ((<usize>partner) << 2)) % plan.blockFields);
  const at = sums + bytesOfSums(plan) - 16 + (field << 2);
  store<f32>(at, load<f32>(at) + 1);
}

/** Returns the bytes of a marked feature's sums: f32[partner fields of a block][Q][4], and pairs by partner field. */
function bytesOfSums(plan: FfmPlan): usize {
  return (<usize>(plan.blockFields * plan.numQuads + 1)) << 4;
}
