// Computes the gradients of a batch with shared negatives, a slice of dimensions at a time, from the gradients of the
// scores (contrast.ts).

import { itemOf } from "../../shared/assembly/negatives";
import { addTransposed } from "../../shared/assembly/tile";
import { dot } from "../../shared/assembly/vector";
import { addGradients, addWeightGradients } from "./batch-rows";
import { Plan, SLICE, Thread } from "./plan";
import { rowBytes } from "./vectors";

/**
 * In slices [from, to) of the dimensions, adds the derivatives of the loss by the events' own features, and those by
 * the negatives' vectors.
 */
export function addEvents(
  plan: Plan,
  thread: Thread,
  events: usize,
  numRows: u32,
  fromSlice: u32,
  toSlice: u32,
): void {
  const c = plan.contrast;
  const bytes = rowBytes(plan);
  const zero = f32x4.splat(0);
  for (let r: u32 = 0; r < numRows; r++) {
    const at = (<usize>r) << 2;
    const event = load<u32>(events + at);
    const item = itemOf(plan, events, r);
    const g = v128.load32_splat(c.positiveGradients + at);
    const s = v128.load32_splat(c.positiveScores + at);
    const scale = v128.load32_splat(c.positiveScales + at);
    for (let d = <usize>fromSlice * SLICE; d < <usize>toSlice * SLICE; d += SLICE) {
      const row = <usize>r * bytes + d;
      const p = c.contexts + row;
      const dp = c.contextGradients + row;
      addGradients(plan, thread, plan.context, event, d, v128.load(dp), v128.load(dp, 16), zero, zero, zero);
      const q0 = v128.load(c.positives + row);
      const q1 = v128.load(c.positives + row, 16);
      let dq0 = f32x4.mul(g, v128.load(p));
      let dq1 = f32x4.mul(g, v128.load(p, 16));
      if (plan.cosine) {
        dq0 = f32x4.mul(f32x4.sub(dq0, f32x4.mul(f32x4.mul(g, s), q0)), scale);
        dq1 = f32x4.mul(f32x4.sub(dq1, f32x4.mul(f32x4.mul(g, s), q1)), scale);
      }
      addGradients(plan, thread, plan.templates, item, d, dq0, dq1, plan.cosine ? zero : g, q0, q1);
    }
  }

  // computes the derivatives by the negatives' vectors: for each negative, the sum of the events' context vectors,
  // weighted by dLoss/dscore
  const N = <usize>thread.numShared;
  const numGroups = (numRows + 3) >>> 2;
  for (let n: usize = 0; n < N; n += 4) {
    if (!plan.cosine) addColumns(plan, thread, n, numGroups);
    for (let d = <usize>fromSlice * SLICE; d < <usize>toSlice * SLICE; d += SLICE) {
      memory.fill(thread.tile, 0, 128);
      addTransposed(c.gradients + (n << 4), N << 4, c.contexts + d, bytes, numGroups, thread.tile);
      for (let i: usize = 0; i < 4; i++) {
        const target = c.negativeGradients + (n + i) * bytes + d;
        const row = thread.tile + (i << 5);
        v128.store(target, f32x4.add(v128.load(target), v128.load(row)));
        v128.store(target, f32x4.add(v128.load(target, 16), v128.load(row, 16)), 16);
      }
    }
  }
}

/**
 * For negatives n .. n + 3, adds the sum of dLoss/dscore over the events, in their order, to the thread's sums by
 * negative.
 */
function addColumns(plan: Plan, thread: Thread, n: usize, numGroups: u32): void {
  const columns = plan.contrast.columns + (n << 2);
  const N = <usize>thread.numShared;
  let sum = v128.load(thread.columns + (n << 2));
  for (let g: usize = 0; g < numGroups; g++) sum = f32x4.add(sum, v128.load(columns + ((g * N) << 2)));
  v128.store(thread.columns + (n << 2), sum);
}

/**
 * Sets the derivatives of the loss by the negatives' vectors to 0 in slices [from, to) of the dimensions, and the
 * thread's sums of dLoss/dscore by negative.
 */
export function zeroNegatives(plan: Plan, thread: Thread, fromSlice: u32, toSlice: u32): void {
  const bytes = rowBytes(plan);
  const own = <usize>(toSlice - fromSlice) * SLICE;
  for (let n: usize = 0; n < thread.numShared; n++) {
    memory.fill(plan.contrast.negativeGradients + n * bytes + <usize>fromSlice * SLICE, 0, own);
  }
  memory.fill(thread.columns, 0, (<usize>thread.numShared) << 2);
}

/**
 * Adds the gradients of the negatives to the gradients of their features, after all threads have finished the batch.
 */
export function addNegatives(plan: Plan, thread: Thread, fromSlice: u32, toSlice: u32): void {
  const c = plan.contrast;
  const bytes = rowBytes(plan);
  const zero = f32x4.splat(0);
  for (let n: usize = 0; n < thread.numShared; n++) {
    const item = load<u32>(thread.shared + (n << 2));
    // for cosines, the inner product of the negative's unit vector with dLoss/d(unit vector), by which the
    // normalization is differentiated; otherwise the sum of dLoss/dscore over all events
    const column = f32x4.splat(
      plan.cosine
        ? dot(c.negativeGradients + n * bytes, c.negatives + n * bytes, bytes)
        : load<f32>(thread.columns + (n << 2)),
    );
    const scale = v128.load32_splat(c.negativeScales + (n << 2));
    for (let d = <usize>fromSlice * SLICE; d < <usize>toSlice * SLICE; d += SLICE) {
      const row = n * bytes + d;
      const q0 = v128.load(c.negatives + row);
      const q1 = v128.load(c.negatives + row, 16);
      let dq0 = v128.load(c.negativeGradients + row);
      let dq1 = v128.load(c.negativeGradients + row, 16);
      if (plan.cosine) {
        dq0 = f32x4.mul(f32x4.sub(dq0, f32x4.mul(column, q0)), scale);
        dq1 = f32x4.mul(f32x4.sub(dq1, f32x4.mul(column, q1)), scale);
      }
      addGradients(plan, thread, plan.templates, item, d, dq0, dq1, plan.cosine ? zero : column, q0, q1);
    }
  }
}

/** Adds the gradients of the weights of the events' items. */
export function addEventWeights(plan: Plan, thread: Thread, events: usize, numRows: u32): void {
  for (let r: u32 = 0; r < numRows; r++) {
    const g = load<f32>(plan.contrast.positiveGradients + ((<usize>r) << 2));
    addWeightGradients(plan, thread, plan.templates, itemOf(plan, events, r), g);
  }
}

/** Adds the gradients of the negatives' weights, after all threads have finished the batch. */
export function addNegativeWeights(plan: Plan, thread: Thread): void {
  for (let n: usize = 0; n < thread.numShared; n++) {
    const item = load<u32>(thread.shared + (n << 2));
    addWeightGradients(plan, thread, plan.templates, item, load<f32>(thread.columns + (n << 2)));
  }
}
