// Builds a row's input x_0 = (w0 | e_1 .. e_F | numeric) from its features, and writes the derivatives by x_0 for the
// features.

import { transpose4, addTo } from "../../shared/assembly/vector";
import { NONE } from "../../shared/assembly/dense/layers";
import { featureAt, firstPair, valueAt } from "../../shared/assembly/rows";
import { NetPlan, NetRows, NetThread } from "./plan";

/**
 * Writes x_0 of eight rows to a panel; rows beyond the last are zeros.
 *
 * @param row index of the first row in `rows`; `place` is its index in the batch
 * @param firstOfBatch first pair of the batch, relative to which places of pairs are recorded; NONE records none
 */
export function gatherPanel(
  plan: NetPlan,
  thread: NetThread,
  rows: NetRows,
  row: u32,
  numRows: u32,
  place: u32,
  firstOfBatch: u32,
  panel: usize,
  units: u32,
): void {
  const pitch = (<usize>plan.rowPitch) << 2;
  memory.fill(thread.gathered, 0, pitch << 3);
  for (let r: u32 = 0; r < numRows; r++) {
    gatherRow(plan, rows, row + r, thread.gathered + <usize>r * pitch, place + r, firstOfBatch);
  }
  for (let u: usize = 0; u < units; u += 4) {
    for (let half: usize = 0; half < 2; half++) {
      const source = thread.gathered + ((half * pitch) << 2) + (u << 2);
      transpose4(source, pitch, panel + (u << 5) + (half << 4), 32);
    }
  }
}

function gatherRow(plan: NetPlan, rows: NetRows, row: u32, x: usize, place: u32, firstOfBatch: u32): void {
  const bytes = (<usize>plan.paddedWidth) << 2;
  const end = firstPair(rows, row + 1);
  if (plan.w0) store<f32>(x, load<f32>(plan.w0));

  // pairs are sorted by field, so the search for the next pair's field is short
  let f: usize = 0;
  for (let j = firstPair(rows, row); j < end; j++) {
    const feature = featureAt(rows, j);
    if (feature < load<u32>(plan.offsets + (f << 2))) f = 0;
    while (feature >= load<u32>(plan.offsets + (f << 2), 4)) f++;
    const at = plan.firstInput + <u32>f * plan.width;
    if (firstOfBatch != NONE) {
      const pair = (<usize>(j - firstOfBatch)) << 2;
      store<u32>(plan.places + pair, place * plan.rowPitch + at);
      store<u32>(plan.pairRows + pair, place);
    }
    const e = plan.embeddings + ((<usize>feature * plan.embeddingPitch) << 2);
    const target = x + ((<usize>at) << 2);
    const value = f32x4.splat(valueAt(rows, j));
    // the padding of the embedding adds zeros to the following numbers of the row's input x_0
    for (let k: usize = 0; k < bytes; k += 16) {
      addTo(target + k, f32x4.mul(value, v128.load(e + k)));
    }
  }
  if (plan.embeddingRelu) {
    for (let i: usize = plan.firstInput; i < plan.endInput; i++) {
      store<f32>(x + (i << 2), max<f32>(0, load<f32>(x + (i << 2))));
    }
  }
  const numbers = rows.numeric + ((<usize>row * plan.numNumeric) << 2);
  memory.copy(x + ((<usize>plan.endInput) << 2), numbers, (<usize>plan.numNumeric) << 2);
}

/** Transposes the derivatives by x_0 from a panel to rows in `inputGradients`. @param x the panel of x_0 */
export function scatterGradients(plan: NetPlan, x: usize, gradients: usize, place: u32, units: u32): void {
  if (plan.embeddingRelu) {
    // the ReLU on the embeddings passes a gradient only if its input was positive
    const zero = f32x4.splat(0);
    for (let at = (<usize>plan.firstInput) << 5; at < (<usize>plan.endInput) << 5; at += 16) {
      v128.store(gradients + at, v128.and(v128.load(gradients + at), f32x4.gt(v128.load(x + at), zero)));
    }
  }
  const pitch = (<usize>plan.rowPitch) << 2;
  const target = plan.inputGradients + <usize>place * pitch;
  for (let u: usize = 0; u < units; u += 4) {
    for (let half: usize = 0; half < 2; half++) {
      transpose4(gradients + (u << 5) + (half << 4), 32, target + ((half * pitch) << 2) + (u << 2), pitch);
    }
  }
}

// prefetches: reads one number of each cache line that is needed soon, so that the processor waits for many lines at
// once; the sum of the numbers is stored so that the compiler keeps the reads

/** Reads the cache lines of `bytes` bytes from `at` on; both are multiples of 4. */
function read(at: usize, bytes: usize): u32 {
  const last = at + bytes - 4;
  let seen = load<u32>(last);
  for (; at < last; at += 64) seen ^= load<u32>(at);
  return seen;
}

export function touchRows(plan: NetPlan, thread: NetThread, rows: NetRows, row: u32, numRows: u32): void {
  const bytes = (<usize>plan.paddedWidth) << 2;
  const pitch = (<usize>plan.embeddingPitch) << 2;
  const end = firstPair(rows, row + numRows);
  let seen: u32 = 0;
  for (let j = firstPair(rows, row); j < end; j++) {
    const feature = <usize>featureAt(rows, j);
    seen ^= read(plan.embeddings + feature * pitch, bytes);
    if (plan.wide) seen ^= load<u32>(plan.wide + (feature << 4));
  }
  store<u32>(thread.gathered, seen);
}

export function touchHeld(plan: NetPlan, thread: NetThread, numHeld: u32): void {
  const pitch = (<usize>plan.embeddingPitch) << 2;
  let seen: u32 = 0;
  for (let slot: u32 = 0; slot < numHeld; slot++) {
    const feature = <usize>load<u32>(thread.held + ((<usize>slot) << 2));
    seen ^= read(plan.embeddings + feature * pitch, pitch);
  }
  store<u32>(thread.gathered, seen);
}
