// Reads ahead: a number of each cache line that is about to be needed, so that a processor waits for many lines at once, where the
// work itself would wait for a few at a time. What is read is written to the thread's scratch, lest it be optimised away.

import { featureAt, firstPair } from "../../shared/assembly/rows";
import { NetPlan, NetRows, NetThread } from "./plan";

/** Of each line that `bytes` from `at` on lie in; both are multiples of 4. */
function read(at: usize, bytes: usize): u32 {
  const last = at + bytes - 4;
  let seen = load<u32>(last);
  for (; at < last; at += 64) seen ^= load<u32>(at);
  return seen;
}

/** Embeddings and weights of the wide part of rows that are to be gathered. */
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

/** Embeddings and sums of squares of features that are to move. */
export function touchHeld(plan: NetPlan, thread: NetThread, numHeld: u32): void {
  const pitch = (<usize>plan.embeddingPitch) << 2;
  let seen: u32 = 0;
  for (let slot: u32 = 0; slot < numHeld; slot++) {
    const feature = <usize>load<u32>(thread.held + ((<usize>slot) << 2));
    seen ^= read(plan.embeddings + feature * pitch, pitch);
  }
  store<u32>(thread.gathered, seen);
}
