// Computes the vectors of a batch's rows, and of its shared negatives.

import { featureAt, PairRows } from "../../shared/assembly/rows";
import { sum4 } from "../../shared/assembly/vector";
import { rowOf } from "./batch-rows";
import { Plan, Thread } from "./plan";
import { rowBytes, squaresOf, sumOf, weightOf } from "./vectors";

/** Minimum squared length by which vectors are divided; shorter vectors are treated as if they had this length. */
const SHORTEST: f32 = 1e-12;

/**
 * Writes the vector of a row: the sum of x v, or with layers the propagated vector of its only feature. For cosine it
 * is normalized.
 *
 * @returns 1 / length for cosine, otherwise 1
 */
export function compose(plan: Plan, thread: Thread, rows: PairRows, row: u32, target: usize): f32 {
  const bytes = rowBytes(plan);
  let squares = f32x4.splat(0);
  const propagated = plan.through
    ? plan.contrast.rows + <usize>rowOf(thread, featureAt(rows, row)) * bytes
    : 0;
  for (let c: usize = 0; c < bytes; c += 16) {
    const sum = propagated ? v128.load(propagated + c) : sumOf(thread, rows, row, c);
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

/**
 * Returns an item's sum of x w plus the inner products between its own features; 0 for cosine. @param vector sum of x v
 * over the item
 */
export function offsetOf(plan: Plan, thread: Thread, item: u32, vector: usize): f32 {
  if (plan.cosine) return 0;
  let inner = f32x4.splat(0);
  for (let c: usize = 0; c < rowBytes(plan); c += 16) {
    const q = v128.load(vector + c);
    inner = f32x4.add(inner, f32x4.sub(f32x4.mul(q, q), squaresOf(thread, plan.templates, item, c)));
  }
  const own: f32 = plan.single ? 0 : 0.5 * sum4(inner);
  return weightOf(plan, plan.templates, item) + own;
}

/** Computes the vectors of negatives [from, to); both bounds are multiples of 8. */
export function composeNegatives(plan: Plan, thread: Thread, from: u32, to: u32): void {
  const c = plan.contrast;
  const bytes = rowBytes(plan);
  for (let n = from; n < to; n++) {
    const item = load<u32>(thread.shared + ((<usize>n) << 2));
    const row = c.negatives + <usize>n * bytes;
    store<f32>(c.negativeScales + ((<usize>n) << 2), compose(plan, thread, plan.templates, item, row));
    store<f32>(c.offsets + ((<usize>n) << 2), offsetOf(plan, thread, item, row));
    const panel = c.panels + <usize>(n >>> 3) * (bytes << 3) + ((<usize>(n & 7)) << 2);
    for (let d: usize = 0; d < bytes >>> 2; d++) {
      store<f32>(panel + (d << 5), load<f32>(row + (d << 2)));
    }
  }
}
