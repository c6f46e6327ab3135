// Lists the distinct rows of the matrices of centres and contexts that a batch uses, and numbers them: a row's number
// is its slot. The batches of a call are divided among the threads.

import { draw } from "../../shared/assembly/random";
import { B, BatchRows, G, hasOneTable, N, Plan, R, Thread } from "./plan";

/** Samples a row of the noise by the alias method: Walker 1977, doi:10.1145/355744.355749. */
function drawRow(plan: Plan, key: u32, counter: u32): u32 {
  const row = <u32>((<u64>draw(key, 2 * counter) * plan.numRows) >>> 32);
  const entry = plan.alias + ((<usize>row) << 3);
  return draw(key, 2 * counter + 1) <= load<u32>(entry) ? row : load<u32>(entry, 4);
}

/** Returns the token at a position, or numRows if the position is outside the stream. */
function tokenAt(plan: Plan, position: i32): u32 {
  // as a u32, a position before the first token is large, so it is outside too
  if (<u32>position >= plan.numTokens) return plan.numRows;
  return load<u32>(plan.tokens + ((<usize>position) << 2));
}

/** Writes a row's slot to `target`, a new one at its first occurrence. @returns number of slots; `count` before */
export function number(plan: Plan, row: u32, slotOf: usize, rows: usize, count: u32, target: usize): u32 {
  let slot: u32 = 0;
  if (row < plan.numRows) {
    const known = slotOf + ((<usize>row) << 2);
    slot = load<u32>(known);
    if (!slot) {
      slot = ++count;
      store<u32>(known, slot);
      store<u32>(rows + ((<usize>slot) << 2), row);
    }
  }
  store<u32>(target, slot);
  return count;
}

/** Assigns slots to the centres, and to the contexts and noise rows of the groups. @param key of the epoch's noise */
export function openBatch(plan: Plan, thread: Thread, rows: BatchRows, batch: u32, key: u32): void {
  const first = batch * R;
  let count: u32 = 0;
  let target = rows.centreSlots;
  for (let i: u32 = 0; i < R; i++, target += 4) {
    const row = tokenAt(plan, first + i);
    count = number(plan, row, thread.centreSlotOf, rows.centreRows, count, target);
  }
  rows.numCentreSlots = count;

  // with one table, a row has the same slot as a centre and as a context; else slots of contexts start anew
  if (!hasOneTable(plan)) count = 0;
  target = rows.contextSlots;
  for (let g: u32 = 0; g < B; g++) {
    const from = <i32>(first + g * G) - <i32>plan.window;
    for (let c: u32 = 0; c < plan.numColumns; c++, target += 4) {
      const row = tokenAt(plan, from + <i32>c);
      count = number(plan, row, thread.contextSlotOf, rows.contextRows, count, target);
    }
    for (let i: u32 = 0; i < N; i++, target += 4) {
      const row = drawRow(plan, key, (batch * B + g) * N + i);
      count = number(plan, row, thread.contextSlotOf, rows.contextRows, count, target);
    }
  }
  rows.numContextSlots = count;
}

/** Sets the slots back to 0 for the next batch. */
export function closeBatch(thread: Thread, rows: BatchRows): void {
  forget(thread.centreSlotOf, rows.centreRows, rows.numCentreSlots);
  forget(thread.contextSlotOf, rows.contextRows, rows.numContextSlots);
  forget(thread.partSlotOf, rows.partRows, rows.numPartSlots);
}

function forget(slotOf: usize, rows: usize, count: u32): void {
  for (let slot: usize = 1; slot <= count; slot++) {
    store<u32>(slotOf + ((<usize>load<u32>(rows + (slot << 2))) << 2), 0);
  }
}
