// Negatives that a batch shares: which items they are, where each stands among them, and the vectors of a batch's rows.

import { featureAt, PairRows } from "../../shared/assembly/rows";
import { sum4 } from "../../shared/assembly/vector";
import { rowOf } from "./batch-rows";
import { drawItem } from "./draw";
import { Plan, Thread } from "./plan";
import { rowBytes, squaresOf, sumOf, weightOf } from "./vectors";

/** Squared lengths below it are taken as it. */
const SHORTEST: f32 = 1e-12;

/** log of an item's chance of being drawn; 0 when uniform, where it cancels. */
export function logNoise(plan: Plan, item: u32): f32 {
  return plan.logNoise ? load<f32>(plan.logNoise + ((<usize>item) << 2)) : 0;
}

/**
 * Draws the batch's negatives and adds its own items, every thread its own copy, and notes where each item stands among them.
 *
 * There are a multiple of 8: of a last batch up to 7 items are left out.
 */
export function drawShared(plan: Plan, thread: Thread, batchKey: u32, events: usize, size: u32): void {
  const M = plan.numNegatives;
  thread.numShared = M + (plan.inBatch ? size & ~7 : 0);
  for (let n: u32 = 0; n < thread.numShared; n++) {
    const at = (<usize>n) << 2;
    const item = n < M ? drawItem(plan, batchKey, n) : itemOf(plan, events, n - M);
    store<u32>(thread.shared + at, item);
    if (plan.logNoise) store<f32>(thread.logNoise + at, logNoise(plan, item));
    const slot = thread.slots + ((<usize>item) << 2);
    store<u32>(thread.next + at, load<u32>(slot));
    store<u32>(slot, n + 1);
  }
}

/** The item of event r of a batch. */
export function itemOf(plan: Plan, events: usize, r: u32): u32 {
  return load<u32>(plan.items + ((<usize>load<u32>(events + ((<usize>r) << 2))) << 2));
}

/** Forgets where the batch's negatives stand. */
export function clearShared(thread: Thread): void {
  for (let n: usize = 0; n < thread.numShared; n++) {
    store<u32>(thread.slots + ((<usize>load<u32>(thread.shared + (n << 2))) << 2), 0);
  }
}

/**
 * Writes the sum of x v of a row, over its length when cosine; with layers the vector behind them of its one feature.
 *
 * @returns 1 / length, or 1
 */
export function compose(plan: Plan, thread: Thread, rows: PairRows, row: u32, target: usize): f32 {
  const bytes = rowBytes(plan);
  let squares = f32x4.splat(0);
  const propagated = plan.through
    ? plan.contrast.rows + <usize>rowOf(thread, featureAt(rows, row)) * bytes
    : 0;
  for (let c: usize = 0; c < bytes; c += 16) {
    const sum = propagated ? v128.load(propagated + c) : sumOf(plan, rows, row, c);
    v128.store(target + c, sum);
    squares = f32x4.add(squares, f32x4.mul(sum, sum));
  }
  if (!plan.cosine) return 1;
  const scale: f32 = 1 / sqrt<f32>(max<f32>(SHORTEST, sum4(squares)));
  for (let c: usize = 0; c < bytes; c += 16) {
    v128.store(target + c, f32x4.mul(v128.load(target + c), f32x4.splat(scale)));
  }
  return scale;
}

/** w and inner products of an item's own features; none when cosine. @param vector its sum of x v */
export function offsetOf(plan: Plan, item: u32, vector: usize): f32 {
  if (plan.cosine) return 0;
  let inner = f32x4.splat(0);
  for (let c: usize = 0; c < rowBytes(plan); c += 16) {
    const q = v128.load(vector + c);
    inner = f32x4.add(inner, f32x4.sub(f32x4.mul(q, q), squaresOf(plan, plan.templates, item, c)));
  }
  const own: f32 = plan.single ? 0 : 0.5 * sum4(inner);
  return weightOf(plan, plan.templates, item) + own;
}

/** Composes negatives from .. to, multiples of 8. */
export function composeNegatives(plan: Plan, thread: Thread, from: u32, to: u32): void {
  const c = plan.contrast;
  const bytes = rowBytes(plan);
  for (let n = from; n < to; n++) {
    const item = load<u32>(thread.shared + ((<usize>n) << 2));
    const row = c.negatives + <usize>n * bytes;
    store<f32>(c.negativeScales + ((<usize>n) << 2), compose(plan, thread, plan.templates, item, row));
    store<f32>(c.offsets + ((<usize>n) << 2), offsetOf(plan, item, row));
    const panel = c.panels + <usize>(n >>> 3) * (bytes << 3) + ((<usize>(n & 7)) << 2);
    for (let d: usize = 0; d < bytes >>> 2; d++) {
      store<f32>(panel + (d << 5), load<f32>(row + (d << 2)));
    }
  }
}

/** Writes `value` over the scores of negatives that are the event's own item or that its user has. */
export function exclude(plan: Plan, thread: Thread, event: u32, i: usize, G: usize, value: f32): void {
  excludeItem(thread, load<u32>(plan.items + ((<usize>event) << 2)), i, G, value);
  const user = load<u32>(plan.users + ((<usize>event) << 2));
  if (user >= plan.numUsers) return;
  const ends = plan.historyEnds + ((<usize>user) << 2);
  const end = load<u32>(ends, 4);
  for (let h = load<u32>(ends); h < end; h++) {
    excludeItem(thread, load<u32>(plan.history + ((<usize>h) << 2)), i, G, value);
  }
}

function excludeItem(thread: Thread, item: u32, i: usize, G: usize, value: f32): void {
  let slot = load<u32>(thread.slots + ((<usize>item) << 2));
  while (slot) {
    store<f32>(G + ((<usize>(slot - 1)) << 4) + (i << 2), value);
    slot = load<u32>(thread.next + ((<usize>(slot - 1)) << 2));
  }
}
