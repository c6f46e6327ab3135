// Takes the steps on the pairs of a block: user, item and negative have one row each, in groups that no other thread
// uses at the same time.
//
//   x      s_item - s_negative = <u, i - n> + w_i - w_n
//   row    v, then AdaGrad's accumulators of its slices: everything that a step reads and writes is adjacent
//
// The scores of S events are computed before their steps, which are taken one event after another. Losses as in
// pairs.ts.

import { logisticGradient4, logisticLoss4 } from "../../shared/assembly/loss";
import { draw } from "../../shared/assembly/random";
import { featureAt } from "../../shared/assembly/rows";
import { sgd } from "../../shared/assembly/steps";
import { dot, sum4 } from "../../shared/assembly/vector";
import { drawRank, hasItem, MAX_TRIES } from "./draw";
import { highest, ofRank } from "./pairs";
import { Plan, S, SGD, SLICE, Strata, Thread, WARP } from "./plan";
import { rowBytes, stepWeight, vectorOf, weightAt, weightOfEvent } from "./vectors";

/** Bytes of an event in `Strata.events`. */
export const EVENT: usize = 16;
/** Negative of an event whose user has every item of the group. */
const NONE: u32 = 0xffffffff;

/**
 * Trains on at most B events of a block.
 *
 * @param from index of the first of these events in `Strata.events`
 * @param b    the block's group of items
 * @returns the sum of their losses before the steps
 */
export function trainEvents(plan: Plan, thread: Thread, from: u32, numRows: u32, b: u32, epochKey: u32): f64 {
  const isWarp = plan.loss == WARP;
  const isOne = !isWarp && plan.numNegatives == 1;
  for (let r: u32 = 0; r < numRows; r++) {
    const event = plan.strata.events + <usize>(from + r) * EVENT;
    const pair = pairAt(thread, r);
    store<usize>(thread.sorted + ((<usize>r) << 2), event);
    store<u32>(pair, load<u32>(event, 4));
    store<u32>(pair, featureAt(plan.templates, load<u32>(event, 12)), 4);
    const item = isOne ? drawFree(plan, event, b, keyOf(event, epochKey), 0) : NONE;
    store<u32>(pair, item == NONE ? NONE : featureAt(plan.templates, item), 8);
  }
  touchRows(plan, thread, numRows);
  let sum: f64 = 0;
  for (let first: u32 = 0; first < numRows; first += S) {
    const end = min(first + S, numRows);
    for (let r = first; r < end; r++) {
      if (isWarp) chooseWarp(plan, thread, r, b, epochKey);
      else if (isOne) compareOne(plan, thread, r);
      else chooseHard(plan, thread, r, b, epochKey);
    }
    sum += isWarp ? weighWarp(plan, thread, first, end) : weighBpr(plan, thread, first, end);
    stepEvents(plan, thread, first, end);
  }
  return sum;
}

/** Returns the address of the features of user, item and negative of event r. */
function pairAt(thread: Thread, r: u32): usize {
  return thread.pairs + <usize>r * 12;
}

function eventAt(thread: Thread, r: u32): usize {
  return load<usize>(thread.sorted + ((<usize>r) << 2));
}

/**
 * Prefetches the rows of all events by reading one number of each cache line. The reads are independent, so many lines
 * are fetched at once, while the steps would wait for one event after another.
 */
function touchRows(plan: Plan, thread: Thread, numRows: u32): void {
  const stride = <usize>thread.stride;
  const vectors = thread.vectors;
  const end = pairAt(thread, numRows);
  let sum: i32 = 0;
  for (let at = thread.pairs; at < end; at += 4) {
    const feature = load<u32>(at);
    if (feature != NONE) sum += Row.touch(vectors + <usize>feature * stride, stride);
  }
  // the sum is stored so that the compiler does not remove the reads
  store<i32>(thread.tile, sum);
}

/** A static method, because TypeScript allows decorators, such as AssemblyScript's `@inline`, only in classes. */
class Row {
  /** Returns the sum of one number of each cache line. */
  @inline
  static touch(row: usize, bytes: usize): i32 {
    let sum: i32 = 0;
    for (const end = row + bytes; row < end; row += 64) sum += load<i32>(row);
    return sum;
  }
}

/** Samples an item of the group that the user lacks, by draws from `counter` on; NONE if the user has all of them. */
function drawFree(plan: Plan, event: usize, b: u32, key: u32, counter: u32): u32 {
  const s = plan.strata;
  const user = load<u32>(event, 8);
  const own = load<u32>(event, 12);
  const first = load<u32>(s.itemEnds + ((<usize>b) << 2));
  const size = load<u32>(s.itemEnds + ((<usize>b) << 2), 4) - first;
  const items = s.groupItems + ((<usize>first) << 2);
  let place: u32 = 0;
  for (let t: u32 = 0; t < MAX_TRIES; t++) {
    place = drawPlace(s, first, size, draw(key, counter + t));
    const item = load<u32>(items + ((<usize>place) << 2));
    if (item != own && !hasItem(plan, user, item)) return item;
  }
  // if no attempt has found one, takes the next item of the group that the user lacks
  for (let t: u32 = 0; t < size; t++) {
    place = place + 1 == size ? 0 : place + 1;
    const item = load<u32>(items + ((<usize>place) << 2));
    if (item != own && !hasItem(plan, user, item)) return item;
  }
  return NONE;
}

/** Samples a position in a group by the noise distribution. */
function drawPlace(s: Strata, first: u32, size: u32, x: u32): u32 {
  if (!s.chances) return <u32>((<u64>x * size) >>> 32);
  const sums = s.sums + ((<usize>first) << 2);
  const total = load<u32>(sums + ((<usize>(size - 1)) << 2));
  const sought = <u32>((<u64>x * total) >>> 32);
  let low: u32 = 0;
  let high = size - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (load<u32>(sums + ((<usize>middle) << 2)) <= sought) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The counters of candidate k's draws start at MAX_TRIES * k. */
function keyOf(event: usize, epochKey: u32): u32 {
  return draw(epochKey, load<u32>(event));
}

function setChosen(thread: Thread, r: u32, negative: u32, x: f32): void {
  store<u32>(pairAt(thread, r), negative, 8);
  store<f32>(thread.gradients + ((<usize>r) << 2), x);
}

/** BPR with one negative. */
function compareOne(plan: Plan, thread: Thread, r: u32): void {
  const pair = pairAt(thread, r);
  const own = load<u32>(pair, 4);
  const negative = load<u32>(pair, 8);
  if (negative == NONE) return setChosen(thread, r, NONE, 0);
  const u = vectorOf(thread, load<u32>(pair));
  const i = vectorOf(thread, own);
  const n = vectorOf(thread, negative);
  let sum = f32x4.splat(0);
  let other = f32x4.splat(0);
  const bytes = rowBytes(plan);
  for (let c: usize = 0; c < bytes; c += SLICE) {
    sum = f32x4.add(sum, f32x4.mul(v128.load(u + c), f32x4.sub(v128.load(i + c), v128.load(n + c))));
    const difference = f32x4.sub(v128.load(i + c, 16), v128.load(n + c, 16));
    other = f32x4.add(other, f32x4.mul(v128.load(u + c, 16), difference));
  }
  const weights = load<f32>(weightAt(plan, own)) - load<f32>(weightAt(plan, negative));
  setChosen(thread, r, negative, weights + sum4(f32x4.add(sum, other)));
}

function scoreOf(plan: Plan, thread: Thread, u: usize, feature: u32): f32 {
  return load<f32>(weightAt(plan, feature)) + dot(u, vectorOf(thread, feature), rowBytes(plan));
}

/** BPR with several candidates: the one with the highest score, or with the sampled rank. */
function chooseHard(plan: Plan, thread: Thread, r: u32, b: u32, epochKey: u32): void {
  const M = plan.numNegatives;
  const event = eventAt(thread, r);
  const key = keyOf(event, epochKey);
  const u = vectorOf(thread, load<u32>(pairAt(thread, r)));
  const scores = thread.scores;
  for (let k: u32 = 1; k <= M; k++) {
    const item = drawFree(plan, event, b, key, MAX_TRIES * (k - 1));
    if (item == NONE) return setChosen(thread, r, NONE, 0);
    const feature = featureAt(plan.templates, item);
    store<u32>(thread.drawn + ((<usize>k) << 2), feature);
    store<f32>(scores + ((<usize>k) << 2), scoreOf(plan, thread, u, feature));
  }
  const best =
    plan.toRank == 1
      ? highest(plan, scores)
      : ofRank(plan, scores, drawRank(plan, epochKey, load<u32>(event)), thread.best);
  const own = scoreOf(plan, thread, u, load<u32>(pairAt(thread, r), 4));
  const at = (<usize>best) << 2;
  setChosen(thread, r, load<u32>(thread.drawn + at), own - load<f32>(scores + at));
}

/** WARP: the first candidate that violates the margin; stores how many were tried. */
function chooseWarp(plan: Plan, thread: Thread, r: u32, b: u32, epochKey: u32): void {
  const M = plan.numNegatives;
  const event = eventAt(thread, r);
  const key = keyOf(event, epochKey);
  const u = vectorOf(thread, load<u32>(pairAt(thread, r)));
  const own = scoreOf(plan, thread, u, load<u32>(pairAt(thread, r), 4));
  for (let k: u32 = 1; k <= M; k++) {
    const item = drawFree(plan, event, b, key, MAX_TRIES * (k - 1));
    if (item == NONE) break;
    const feature = featureAt(plan.templates, item);
    const x = own - scoreOf(plan, thread, u, feature);
    // NaN counts as a violation of the margin, so that a diverged training is noticed
    if (x >= plan.margin) continue;
    store<u32>(thread.best + ((<usize>r) << 2), k);
    return setChosen(thread, r, feature, x);
  }
  setChosen(thread, r, NONE, 0);
}

/** Replaces each x by dLoss/dx. @returns the sum of the losses */
function weighBpr(plan: Plan, thread: Thread, first: u32, end: u32): f64 {
  for (let r = <usize>first; r < end; r += 4) {
    const x = v128.load(thread.gradients + (r << 2));
    v128.store(thread.tile + (r << 2), logisticLoss4(x, f32x4.splat(1)));
    v128.store(thread.gradients + (r << 2), logisticGradient4(x, f32x4.splat(1)));
  }
  let sum: f64 = 0;
  for (let r = first; r < end; r++) {
    if (load<u32>(pairAt(thread, r), 8) == NONE) continue;
    const weight = weightOfEvent(plan, load<u32>(eventAt(thread, r)));
    const at = thread.gradients + ((<usize>r) << 2);
    sum += <f64>(load<f32>(thread.tile + ((<usize>r) << 2)) * weight);
    store<f32>(at, load<f32>(at) * weight);
  }
  return sum;
}

function weighWarp(plan: Plan, thread: Thread, first: u32, end: u32): f64 {
  let sum: f64 = 0;
  for (let r = first; r < end; r++) {
    if (load<u32>(pairAt(thread, r), 8) == NONE) continue;
    const k = <usize>load<u32>(thread.best + ((<usize>r) << 2));
    const weight =
      load<f32>(plan.rankWeights + (k << 2)) * weightOfEvent(plan, load<u32>(eventAt(thread, r)));
    const at = thread.gradients + ((<usize>r) << 2);
    sum += <f64>(weight * (plan.margin - load<f32>(at)));
    store<f32>(at, -weight);
  }
  return sum;
}

/** Takes one step of every event's rows, in the order of the events. */
function stepEvents(plan: Plan, thread: Thread, first: u32, end: u32): void {
  const l2 = f32x4.splat(plan.l2Vector);
  const bytes = rowBytes(plan);
  const learningRate = f32x4.splat(plan.learningRate);
  const keep = f32x4.sub(f32x4.splat(1), f32x4.mul(learningRate, l2));
  for (let r = first; r < end; r++) {
    const pair = pairAt(thread, r);
    const own = load<u32>(pair, 4);
    const negative = load<u32>(pair, 8);
    if (negative == NONE) continue;
    const gradient = load<f32>(thread.gradients + ((<usize>r) << 2));
    const g = f32x4.splat(gradient);
    const u = vectorOf(thread, load<u32>(pair));
    const i = vectorOf(thread, own);
    const n = vectorOf(thread, negative);
    if (plan.method == SGD) {
      const a = f32x4.mul(learningRate, g);
      for (let c: usize = 0; c < bytes; c += SLICE) stepThree(u + c, i + c, n + c, keep, a);
    } else {
      for (let c: usize = 0; c < bytes; c += SLICE) {
        updateThree(u + c, i + c, n + c, bytes + (c >>> 3) - c, g, l2, learningRate);
      }
    }
  }
  for (let r = first; r < end; r++) {
    const pair = pairAt(thread, r);
    const negative = load<u32>(pair, 8);
    if (negative == NONE) continue;
    const gradient = load<f32>(thread.gradients + ((<usize>r) << 2));
    stepWeight(plan, load<u32>(pair, 4), gradient);
    stepWeight(plan, negative, -gradient);
  }
}

/**
 * Updates a slice of user, item and negative by AdaGrad.
 *
 * @param u,i,n   addresses of the slice
 * @param squares bytes from a slice to its accumulator
 */
function updateThree(
  u: usize,
  i: usize,
  n: usize,
  squares: usize,
  g: v128,
  l2: v128,
  learningRate: v128,
): void {
  const u0 = v128.load(u);
  const u1 = v128.load(u, 16);
  const i0 = v128.load(i);
  const i1 = v128.load(i, 16);
  const n0 = v128.load(n);
  const n1 = v128.load(n, 16);
  const gu0 = f32x4.add(f32x4.mul(g, f32x4.sub(i0, n0)), f32x4.mul(l2, u0));
  const gu1 = f32x4.add(f32x4.mul(g, f32x4.sub(i1, n1)), f32x4.mul(l2, u1));
  const q0 = f32x4.mul(g, u0);
  const q1 = f32x4.mul(g, u1);
  const gi0 = f32x4.add(q0, f32x4.mul(l2, i0));
  const gi1 = f32x4.add(q1, f32x4.mul(l2, i1));
  const gn0 = f32x4.sub(f32x4.mul(l2, n0), q0);
  const gn1 = f32x4.sub(f32x4.mul(l2, n1), q1);

  // adds up the squared gradients in the order of sum4; one root and one division give all three learning rates
  const uu = f32x4.add(f32x4.mul(gu0, gu0), f32x4.mul(gu1, gu1));
  const ii = f32x4.add(f32x4.mul(gi0, gi0), f32x4.mul(gi1, gi1));
  const nn = f32x4.add(f32x4.mul(gn0, gn0), f32x4.mul(gn1, gn1));
  const ui = f32x4.add(v128.shuffle<f32>(uu, ii, 0, 1, 4, 5), v128.shuffle<f32>(uu, ii, 2, 3, 6, 7));
  const n2 = f32x4.add(nn, v128.shuffle<f32>(nn, nn, 2, 3, 0, 1));
  const sums = f32x4.add(v128.shuffle<f32>(ui, n2, 0, 2, 4, 4), v128.shuffle<f32>(ui, n2, 1, 3, 5, 5));
  let kept = v128.load32_zero(u + squares);
  kept = v128.load32_lane(i + squares, kept, 1);
  kept = v128.load32_lane(n + squares, kept, 2);
  kept = f32x4.add(kept, f32x4.mul(f32x4.splat(0.125), sums));
  v128.store32_lane(u + squares, kept, 0);
  v128.store32_lane(i + squares, kept, 1);
  v128.store32_lane(n + squares, kept, 2);
  const rates = f32x4.div(learningRate, f32x4.sqrt(kept));
  const uRate = v128.shuffle<f32>(rates, rates, 0, 0, 0, 0);
  const iRate = v128.shuffle<f32>(rates, rates, 1, 1, 1, 1);
  const nRate = v128.shuffle<f32>(rates, rates, 2, 2, 2, 2);
  v128.store(u, sgd<v128>(u0, gu0, uRate));
  v128.store(u, sgd<v128>(u1, gu1, uRate), 16);
  v128.store(i, sgd<v128>(i0, gi0, iRate));
  v128.store(i, sgd<v128>(i1, gi1, iRate), 16);
  v128.store(n, sgd<v128>(n0, gn0, nRate));
  v128.store(n, sgd<v128>(n1, gn1, nRate), 16);
}

/**
 * Updates a slice of user, item and negative by SGD.
 *
 * @param u,i,n addresses of the slice
 * @param keep  1 - learning rate x penalty
 * @param a     learning rate x dLoss/dx
 */
function stepThree(u: usize, i: usize, n: usize, keep: v128, a: v128): void {
  for (let half: usize = 0; half < SLICE; half += 16) {
    const u4 = v128.load(u + half);
    const i4 = v128.load(i + half);
    const n4 = v128.load(n + half);
    const au = f32x4.mul(a, u4);
    v128.store(u + half, f32x4.sub(f32x4.mul(keep, u4), f32x4.mul(a, f32x4.sub(i4, n4))));
    v128.store(i + half, f32x4.sub(f32x4.mul(keep, i4), au));
    v128.store(n + half, f32x4.add(f32x4.mul(keep, n4), au));
  }
}
