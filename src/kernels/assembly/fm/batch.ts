// A thread's own copy of a batch's rows: read once from wherever the order sends it, then twice for each slice.

import { Rows, Thread } from "./plan";

/**
 * Copies rows first + order[from .. from + numRows) to the thread's buffers.
 *
 * @param order u32: rows within the block; 0 for the rows as they stand
 */
export function gather(thread: Thread, rows: Rows, first: u32, order: usize, from: u32, numRows: u32): void {
  thread.numRows = numRows;
  thread.width = rows.width;
  thread.general = u32(rows.indptr != 0 || rows.values != 0);
  if (thread.general) gatherPairs(thread, rows, first, order, from, numRows);
  else gatherIds(thread, rows, first, order, from, numRows);
}

function rowAt(first: u32, order: usize, i: u32): u32 {
  return first + (order ? load<u32>(order + ((<usize>i) << 2)) : i);
}

function gatherIds(thread: Thread, rows: Rows, first: u32, order: usize, from: u32, numRows: u32): void {
  const bytes = (<usize>rows.width) << 2;
  let target = thread.ids;
  for (let i: u32 = 0; i < numRows; i++) {
    const row = rowAt(first, order, from + i);
    store<f32>(thread.labels + ((<usize>i) << 2), load<f32>(rows.labels + ((<usize>row) << 2)));
    const source = rows.ids + row * bytes;
    let b: usize = 0;
    for (; b + 16 <= bytes; b += 16) v128.store(target + b, v128.load(source + b));
    for (; b < bytes; b += 4) store<u32>(target + b, load<u32>(source + b));
    target += bytes;
  }
}

function gatherPairs(thread: Thread, rows: Rows, first: u32, order: usize, from: u32, numRows: u32): void {
  let pair: usize = 0;
  for (let i: u32 = 0; i < numRows; i++) {
    const row = rowAt(first, order, from + i);
    store<f32>(thread.labels + ((<usize>i) << 2), load<f32>(rows.labels + ((<usize>row) << 2)));
    let source: usize, end: usize;
    if (rows.indptr) {
      source = load<u32>(rows.indptr + ((<usize>row) << 2));
      end = load<u32>(rows.indptr + ((<usize>row) << 2), 4);
    } else {
      source = row * rows.width;
      end = source + rows.width;
    }
    for (; source < end; source++, pair++) {
      store<u32>(thread.ids + (pair << 2), load<u32>(rows.ids + (source << 2)));
      store<f32>(thread.values + (pair << 2), rows.values ? load<f32>(rows.values + (source << 2)) : 1);
    }
    store<u32>(thread.ends + ((<usize>i) << 2), pair);
  }
}
