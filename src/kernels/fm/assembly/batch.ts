// Makes a batch's rows available to a thread: in place if they are visited in file order, else as a copy in the order
// of visit, because each slice reads the rows twice.
//
//   place   u32[numRows]: row i of the block is visited at place[i]
//   order   u32[numRows]: its inverse

import { permute } from "../../shared/assembly/random";
import { featureAt, firstPair, valueAt } from "../../shared/assembly/rows";
import { BATCH_ROWS, Rows, Thread } from "./plan";

/**
 * Prepares a block of rows for `openBatch`.
 *
 * Rows of constant width are copied for the whole block: they are read sequentially, which is fast, and written to
 * their positions in the order of visit.
 *
 * @param key of the block's permutation; 0 visits the rows in their order in memory
 */
export function openBlock(thread: Thread, rows: Rows, first: u32, numRows: u32, key: u32): void {
  thread.width = rows.width;
  thread.general = u32(rows.indptr != 0 || rows.values != 0);
  if (key) permute(thread.places, numRows, key);
  if (thread.general) {
    for (let i: u32 = 0; i < numRows; i++) {
      const place = key ? load<u32>(thread.places + ((<usize>i) << 2)) : i;
      store<u32>(thread.order + ((<usize>place) << 2), i);
    }
  } else if (key) {
    const bytes = (<usize>rows.width) << 2;
    let source = rows.ids + <usize>first * bytes;
    for (let i: u32 = 0; i < numRows; i++) {
      const place = <usize>load<u32>(thread.places + ((<usize>i) << 2));
      store<f32>(thread.blockLabels + (place << 2), load<f32>(rows.labels + ((<usize>(first + i)) << 2)));
      if (rows.weights) {
        store<f32>(thread.blockWeights + (place << 2), load<f32>(rows.weights + ((<usize>(first + i)) << 2)));
      }
      const target = thread.blockIds + place * bytes;
      let b: usize = 0;
      for (; b + 16 <= bytes; b += 16) v128.store(target + b, v128.load(source + b));
      for (; b < bytes; b += 4) store<u32>(target + b, load<u32>(source + b));
      source += bytes;
    }
  }
}

/**
 * Sets the thread's pointers to a batch: at most 256 rows of the prepared block, from position `from` in the order of
 * visit.
 */
export function openBatch(thread: Thread, rows: Rows, first: u32, numRows: u32, key: u32, from: u32): void {
  thread.numRows = min(BATCH_ROWS, numRows - from);
  if (thread.general) {
    gather(thread, rows, first, from);
    return;
  }
  const ids = key ? thread.blockIds : rows.ids + ((<usize>first * rows.width) << 2);
  const labels = key ? thread.blockLabels : rows.labels + ((<usize>first) << 2);
  thread.ids = ids + ((<usize>from * rows.width) << 2);
  thread.labels = labels + ((<usize>from) << 2);
  thread.weights = 0;
  if (rows.weights) {
    const weights = key ? thread.blockWeights : rows.weights + ((<usize>first) << 2);
    thread.weights = weights + ((<usize>from) << 2);
  }
}

/** Copies a batch of rows of varying width to the thread's buffers, with the value of each pair. */
function gather(thread: Thread, rows: Rows, first: u32, from: u32): void {
  thread.ids = thread.blockIds;
  thread.labels = thread.blockLabels;
  thread.weights = rows.weights ? thread.blockWeights : 0;
  let pair: usize = 0;
  for (let i: u32 = 0; i < thread.numRows; i++) {
    const row = first + load<u32>(thread.order + ((<usize>(from + i)) << 2));
    store<f32>(thread.labels + ((<usize>i) << 2), load<f32>(rows.labels + ((<usize>row) << 2)));
    if (rows.weights) {
      store<f32>(thread.blockWeights + ((<usize>i) << 2), load<f32>(rows.weights + ((<usize>row) << 2)));
    }
    const end = firstPair(rows, row + 1);
    for (let source = firstPair(rows, row); source < end; source++, pair++) {
      store<u32>(thread.ids + (pair << 2), featureAt(rows, source));
      store<f32>(thread.values + (pair << 2), valueAt(rows, source));
    }
    store<u32>(thread.ends + ((<usize>i) << 2), <u32>pair);
  }
}
