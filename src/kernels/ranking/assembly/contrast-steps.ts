// The steps of a batch whose negatives are shared, from the gradients that contrast.ts left: by slices of dimensions.

import { addTransposed } from "../../shared/assembly/tile";
import { Plan, SLICE, Thread } from "./plan";
import { rowBytes, stepRow, stepWeights } from "./vectors";

/** Moves slices from .. to of every feature of the batch: its events in order, then its negatives. */
export function updateContrast(
  plan: Plan,
  thread: Thread,
  events: usize,
  numRows: u32,
  fromSlice: u32,
  toSlice: u32,
): void {
  const c = plan.contrast;
  const bytes = rowBytes(plan);
  const l2 = f32x4.splat(plan.l2Vector);
  const zero = f32x4.splat(0);
  for (let r: u32 = 0; r < numRows; r++) {
    const at = (<usize>r) << 2;
    const event = load<u32>(events + at);
    const item = load<u32>(plan.items + ((<usize>event) << 2));
    const g = v128.load32_splat(c.positiveGradients + at);
    const s = v128.load32_splat(c.positiveScores + at);
    const scale = v128.load32_splat(c.positiveScales + at);
    for (let d = <usize>fromSlice * SLICE; d < <usize>toSlice * SLICE; d += SLICE) {
      const row = <usize>r * bytes + d;
      const p = c.contexts + row;
      const dp = c.contextGradients + row;
      stepRow(plan, plan.context, event, d, v128.load(dp), v128.load(dp, 16), zero, zero, zero, l2);
      const q0 = v128.load(c.positives + row);
      const q1 = v128.load(c.positives + row, 16);
      let dq0 = f32x4.mul(g, v128.load(p));
      let dq1 = f32x4.mul(g, v128.load(p, 16));
      if (plan.cosine) {
        dq0 = f32x4.mul(f32x4.sub(dq0, f32x4.mul(f32x4.mul(g, s), q0)), scale);
        dq1 = f32x4.mul(f32x4.sub(dq1, f32x4.mul(f32x4.mul(g, s), q1)), scale);
      }
      stepRow(plan, plan.templates, item, d, dq0, dq1, plan.cosine ? zero : g, q0, q1, l2);
    }
  }

  const numGroups = (numRows + 3) >>> 2;
  for (let n: u32 = 0; n < plan.numNegatives; n += 4) {
    columnSums(plan, thread, n, numGroups);
    for (let d = <usize>fromSlice * SLICE; d < <usize>toSlice * SLICE; d += SLICE) {
      memory.fill(thread.tile, 0, 128);
      addTransposed(
        c.gradients + ((<usize>n) << 4),
        (<usize>plan.numNegatives) << 4,
        c.contexts + d,
        bytes,
        numGroups,
        thread.tile,
      );
      for (let i: u32 = 0; i < 4; i++) stepNegative(plan, thread, n + i, i, d);
    }
  }
}

/** Sums the columns of negatives n .. n + 3 over the batch, in its order, behind the packed contexts. */
function columnSums(plan: Plan, thread: Thread, n: u32, numGroups: u32): void {
  const columns = plan.contrast.columns + ((<usize>n) << 2);
  let sum = f32x4.splat(0);
  for (let g: u32 = 0; g < numGroups; g++) {
    sum = f32x4.add(sum, v128.load(columns + ((<usize>g * plan.numNegatives) << 2)));
  }
  v128.store(thread.packed, sum);
}

/** One step of a slice of negative n, whose dLoss/dq lies in row i of the tile. Penalties are the events' alone. */
function stepNegative(plan: Plan, thread: Thread, n: u32, i: u32, d: usize): void {
  const c = plan.contrast;
  const item = load<u32>(thread.shared + ((<usize>n) << 2));
  const column = v128.load32_splat(thread.packed + ((<usize>i) << 2));
  const scale = v128.load32_splat(c.negativeScales + ((<usize>n) << 2));
  const zero = f32x4.splat(0);
  const q = c.negatives + <usize>n * rowBytes(plan) + d;
  const q0 = v128.load(q);
  const q1 = v128.load(q, 16);
  const row = thread.tile + ((<usize>i) << 5);
  let dq0 = v128.load(row);
  let dq1 = v128.load(row, 16);
  if (plan.cosine) {
    dq0 = f32x4.mul(f32x4.sub(dq0, f32x4.mul(column, q0)), scale);
    dq1 = f32x4.mul(f32x4.sub(dq1, f32x4.mul(column, q1)), scale);
  }
  stepRow(plan, plan.templates, item, d, dq0, dq1, plan.cosine ? zero : column, q0, q1, zero);
}

/** Moves the weights of the batch's items. */
export function updateContrastWeights(plan: Plan, thread: Thread, events: usize, numRows: u32): void {
  const c = plan.contrast;
  for (let r: usize = 0; r < numRows; r++) {
    const event = load<u32>(events + (r << 2));
    const item = load<u32>(plan.items + ((<usize>event) << 2));
    stepWeights(plan, plan.templates, item, load<f32>(c.positiveGradients + (r << 2)));
  }
  const numGroups = (numRows + 3) >>> 2;
  for (let n: u32 = 0; n < plan.numNegatives; n += 4) {
    columnSums(plan, thread, n, numGroups);
    for (let i: u32 = 0; i < 4; i++) {
      const item = load<u32>(thread.shared + ((<usize>(n + i)) << 2));
      stepWeights(plan, plan.templates, item, load<f32>(thread.packed + ((<usize>i) << 2)));
    }
  }
}
