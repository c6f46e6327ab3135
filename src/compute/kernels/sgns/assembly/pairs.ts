// Contexts of centres in addition to those in their windows: each centre has a short list of contexts, independent of
// its position in the stream.
//
//   weight > 0    a context:        log logistic(h . z)    times the weight
//   weight < 0    a negative:       log logistic(-h . z)   times minus the weight
//
// The list of a centre consists of the list of its session (looked up by position), and of rows sampled from the
// centre's market. A row is not a negative of itself, and a centre without a context has no pairs. The pairs of a batch
// are sorted by centre; those of a group are padded to a multiple of four by pairs of slot 0 with weight 0.
//
// Each pass over the windows has a counterpart here, so that pairs add to the same sums and share the barriers.

import { log4 } from "../../shared/assembly/exp";
import { draw } from "../../shared/assembly/random";
import { addTo, sum4 } from "../../shared/assembly/vector";
import { number } from "./batch";
import { tanhOfHalf } from "./gradients";
import { B, BatchRows, BLOCK, blocksOf, G, LINE, Plan, R, Thread } from "./plan";
import { sumOfSlices } from "./sums";

/** Counter of the key of negatives from markets; those of an epoch's noise are lower. */
const DRAWS: u32 = 0xffffffff;
const NONE: u32 = 0xffffffff;

function at(array: usize, i: usize): u32 {
  return load<u32>(array + (i << 2));
}

/** @param count number of pairs before @returns number of pairs after */
function addPair(plan: Plan, thread: Thread, rows: BatchRows, row: u32, weight: f32, count: u32): u32 {
  const offset = (<usize>count) << 2;
  const slots = rows.numContextSlots;
  const target = rows.pairSlots + offset;
  rows.numContextSlots = number(plan, row, thread.contextSlotOf, rows.contextRows, slots, target);
  store<f32>(rows.pairWeights + offset, weight);
  return count + 1;
}

/** Appends the pairs of a session's list. @param counts weight of the centre's event */
function addListed(
  plan: Plan,
  thread: Thread,
  rows: BatchRows,
  position: u32,
  centre: u32,
  counts: f32,
  count: u32,
): u32 {
  const list = at(plan.pairLists, position);
  const end = at(plan.listEnds, list + 1);
  for (let i = at(plan.listEnds, list); i < end; i++) {
    const row = at(plan.listRows, i);
    const weight = load<f32>(plan.listWeights + ((<usize>i) << 2));
    if (row != centre || weight > 0) count = addPair(plan, thread, rows, row, weight * counts, count);
  }
  return count;
}

/** Appends negatives that are sampled uniformly from the centre's market. */
function addDrawn(
  plan: Plan,
  thread: Thread,
  rows: BatchRows,
  centre: u32,
  key: u32,
  counts: f32,
  count: u32,
): u32 {
  const market = at(plan.marketOf, centre);
  if (market == NONE) return count;
  const from = at(plan.marketEnds, market);
  const size = at(plan.marketEnds, market + 1) - from;
  for (let k: u32 = 0; k < plan.numDrawn; k++) {
    const row = at(plan.marketRows, from + <u32>((<u64>draw(key, k) * size) >>> 32));
    if (row != centre) count = addPair(plan, thread, rows, row, -counts, count);
  }
  return count;
}

/** Lists the batch's pairs, and assigns slots to their contexts. @param key of the epoch's noise */
export function openPairs(plan: Plan, thread: Thread, rows: BatchRows, batch: u32, key: u32): void {
  const draws = draw(key, DRAWS);
  let count: u32 = 0;
  for (let i: u32 = 0; i < R; i++) {
    const position = batch * R + i;
    if (position < plan.numTokens) {
      const seen = <u32>load<u8>(plan.left + position) + <u32>load<u8>(plan.right + position);
      if (seen > 0) {
        const centre = at(plan.tokens, position);
        const root: f32 = plan.weights ? load<f32>(plan.weights + ((<usize>position) << 2)) : 1;
        const counts = root * root;
        count = addListed(plan, thread, rows, position, centre, counts, count);
        if (plan.numDrawn) count = addDrawn(plan, thread, rows, centre, draw(draws, position), counts, count);
      }
    }
    if (i % G == G - 1) while (count & 3) count = addPair(plan, thread, rows, plan.numRows, 0, count);
    store<u32>(rows.pairEnds + ((<usize>i) << 2), count);
  }
}

/** Writes slice j's partial scores, or adds them if `adds`. @param partials f32[pairs] */
export function scorePairs(plan: Plan, rows: BatchRows, j: u32, partials: usize, adds: bool): void {
  const matrix = <usize>j * plan.numRows * LINE;
  const contexts = plan.contexts + matrix;
  let p: usize = 0;
  for (let i: usize = 0; i < R; i++) {
    const end = <usize>at(rows.pairEnds, i);
    if (p == end) continue;
    const h = plan.centres + matrix + <usize>at(rows.centreRows, at(rows.centreSlots, i)) * LINE;
    const h0 = v128.load(h);
    const h1 = v128.load(h, 16);
    const h2 = v128.load(h, 32);
    const h3 = v128.load(h, 48);
    for (; p < end; p++) {
      const z = contexts + <usize>at(rows.contextRows, at(rows.pairSlots, p)) * LINE;
      let sum = f32x4.mul(h0, v128.load(z));
      sum = f32x4.add(sum, f32x4.mul(h1, v128.load(z, 16)));
      sum = f32x4.add(sum, f32x4.mul(h2, v128.load(z, 32)));
      sum = f32x4.add(sum, f32x4.mul(h3, v128.load(z, 48)));
      const target = partials + (p << 2);
      const part = sum4(sum);
      store<f32>(target, adds ? load<f32>(target) + part : part);
    }
  }
}

/** Returns the number of the batch's pairs, with the padding of groups. */
export function numPairs(rows: BatchRows): u32 {
  return at(rows.pairEnds, R - 1);
}

/** Writes the gradients of groups from .. to - 1, weight times logistic(-sign score), and adds up their losses. */
export function pairsToGradients(plan: Plan, thread: Thread, rows: BatchRows, from: u32, to: u32): void {
  const stride = (<usize>plan.mostPairs) << 2;
  const room = <usize>blocksOf(plan) * BLOCK;
  let p: usize = from == 0 ? 0 : (<usize>at(rows.pairEnds, from * G - 1)) << 2;
  for (let g = from; g < to; g++) {
    const end = (<usize>at(rows.pairEnds, g * G + G - 1)) << 2;
    let loss = f32x4.splat(0);
    while (p < end) {
      const bytes = min(room, end - p);
      const scores = sumOfSlices(plan, thread, plan.pairPartials + p, stride, bytes, 0, plan.numSlices, 0);
      for (let k: usize = 0; k < bytes; k += 16, p += 16)
        loss = f32x4.add(loss, pairGradients(plan, rows, p, scores + k));
    }
    const sum = plan.losses + ((<usize>((R >>> 2) + g)) << 3);
    store<f64>(sum, load<f64>(sum) + <f64>sum4(loss));
  }
}

/** Writes the gradients of four pairs. @param p byte offset of the first in arrays by pair @returns their losses */
function pairGradients(plan: Plan, rows: BatchRows, p: usize, scores: usize): v128 {
  const half = f32x4.splat(0.5);
  const weight = v128.load(rows.pairWeights + p);
  const sign = v128.and(weight, i32x4.splat(0x80000000));
  const t = f32x4.mul(half, tanhOfHalf(v128.xor(v128.load(scores), sign)));
  v128.store(plan.pairGradients + p, f32x4.mul(weight, f32x4.sub(half, t)));
  return f32x4.neg(f32x4.mul(f32x4.abs(weight), log4(f32x4.add(half, t))));
}

/**
 * Adds slice j of the pairs' gradients to the sums of their rows, from the vectors as they were at the batch's start.
 */
export function sumPairs(plan: Plan, thread: Thread, rows: BatchRows, j: u32): void {
  const matrix = <usize>j * plan.numRows * LINE;
  const contexts = plan.contexts + matrix;
  let p: usize = 0;
  for (let i: usize = 0; i < R; i++) {
    const end = <usize>at(rows.pairEnds, i);
    if (p == end) continue;
    const slot = <usize>at(rows.centreSlots, i);
    const h = plan.centres + matrix + <usize>at(rows.centreRows, slot) * LINE;
    const h0 = v128.load(h);
    const h1 = v128.load(h, 16);
    const h2 = v128.load(h, 32);
    const h3 = v128.load(h, 48);
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    for (; p < end; p++) {
      const context = <usize>at(rows.pairSlots, p);
      const z = contexts + <usize>at(rows.contextRows, context) * LINE;
      const g = v128.load32_splat(plan.pairGradients + (p << 2));
      a0 = f32x4.add(a0, f32x4.mul(g, v128.load(z)));
      a1 = f32x4.add(a1, f32x4.mul(g, v128.load(z, 16)));
      a2 = f32x4.add(a2, f32x4.mul(g, v128.load(z, 32)));
      a3 = f32x4.add(a3, f32x4.mul(g, v128.load(z, 48)));
      addLine(
        thread.contextSums + context * LINE,
        f32x4.mul(g, h0),
        f32x4.mul(g, h1),
        f32x4.mul(g, h2),
        f32x4.mul(g, h3),
      );
    }
    addLine(thread.centreSums + slot * LINE, a0, a1, a2, a3);
  }
}

function addLine(target: usize, x0: v128, x1: v128, x2: v128, x3: v128): void {
  addTo(target, x0);
  addTo(target + 16, x1);
  addTo(target + 32, x2);
  addTo(target + 48, x3);
}
