// Prepares the pairs of a batch with rows of varying width for the tiles; the pairs of a row are sorted by field.

import { isMarked, numPairsOf } from "../../fm/assembly/repeats";
import { FfmPlan, FfmThread, FfmTable, TABLE } from "./plan";

/** Returns the bytes of a feature's vector for one partner field. */
export function bytesOfPartner(plan: FfmPlan): usize {
  return <usize>plan.numQuads * <usize>plan.quadBytes;
}

/** Returns the index in FfmPlan.slices for features of block `own` and partner fields of block `partners`. */
export function placeOf(plan: FfmPlan, own: u32, partners: u32): u32 {
  return own * plan.numBlocks + partners;
}

export function vectorsAt(plan: FfmPlan, place: u32): usize {
  return <usize>load<u32>(plan.slices + ((<usize>place) << 3));
}

export function strideAt(plan: FfmPlan, place: u32): usize {
  return <usize>load<u32>(plan.slices + ((<usize>place) << 3), 4);
}

/** Writes `partners` and `blockEnds` of the batch; normalizes each row's values if the plan says so. */
export function locatePairs(plan: FfmPlan, thread: FfmThread): void {
  if (!thread.general) {
    thread.unit = plan.normalize ? <f32>1 / sqrt<f32>(<f32>thread.width) : 1;
    return;
  }
  const numBlocks = plan.numBlocks;
  let pair: usize = 0;
  for (let r: usize = 0; r < thread.numRows; r++) {
    const end = <usize>load<u32>(thread.ends + (r << 2));
    if (plan.normalize) normalize(thread.values, pair, end);
    const ends = thread.blockEnds + ((r * numBlocks) << 2);
    let block: u32 = 0;
    for (; pair < end; pair++) {
      const id = <usize>load<u32>(thread.ids + (pair << 2));
      const field = load<u32>(plan.fieldOf + (id << 2));
      for (; block < field / plan.blockFields; block++) store<u32>(ends + ((<usize>block) << 2), <u32>pair);
      store<u32>(thread.partners + (pair << 2), (field % plan.blockFields) * <u32>bytesOfPartner(plan));
    }
    for (; block < numBlocks; block++) store<u32>(ends + ((<usize>block) << 2), <u32>pair);
  }
}

/** Divides the values with indexes from .. end - 1 by their Euclidean norm, unless all of them are 0. */
function normalize(values: usize, from: usize, end: usize): void {
  let squares: f32 = 0;
  for (let i = from; i < end; i++) squares += load<f32>(values + (i << 2)) * load<f32>(values + (i << 2));
  if (squares == 0) return;
  const factor = <f32>1 / sqrt<f32>(squares);
  for (let i = from; i < end; i++) store<f32>(values + (i << 2), load<f32>(values + (i << 2)) * factor);
}

/** Returns the address of the id in row r's first pair whose field belongs to the block. */
export function startOf(plan: FfmPlan, thread: FfmThread, r: usize, block: u32): usize {
  if (block > 0) return endOf(plan, thread, r, block - 1);
  return thread.ids + (r > 0 ? (<usize>load<u32>(thread.ends + ((r - 1) << 2))) << 2 : 0);
}

export function endOf(plan: FfmPlan, thread: FfmThread, r: usize, block: u32): usize {
  return thread.ids + ((<usize>load<u32>(thread.blockEnds + ((r * plan.numBlocks + block) << 2))) << 2);
}

/** Returns the product of two features' values in all four lanes. @param i address of x_i @param j address of x_j */
export function valuesOf(i: usize, j: usize): v128 {
  return f32x4.splat(load<f32>(i) * load<f32>(j));
}

/** Returns the address of FfmThread.squares for one block of partner fields. */
export function squaresAt(thread: FfmThread, block: u32): usize {
  return thread.squares + <usize>block * (numPairsOf(thread) << 2);
}

/**
 * Prefetches parameters of the batch: for features of large fields, reads one number of each cache line. Reads do not
 * wait for each other, so that the lines are in the cache when the tiles use them.
 */
export function touchBatch(plan: FfmPlan, thread: FfmThread): void {
  for (let block: u32 = 0; block < plan.numBlocks; block++) {
    const table = changetype<FfmTable>(thread.tables + <usize>block * TABLE);
    if (table.stride) touchBlock(plan, thread, block, table);
  }
}

function touchBlock(plan: FfmPlan, thread: FfmThread, block: u32, table: FfmTable): void {
  let touched: u32 = 0;
  if (thread.general) {
    for (let r: usize = 0; r < thread.numRows; r++) {
      const end = endOf(plan, thread, r, block);
      for (let pair = startOf(plan, thread, r, block); pair < end; pair += 4) {
        if (!isMarked(load<u32>(pair))) touched |= touch(table, load<u32>(pair));
      }
    }
  } else {
    const bytes = (<usize>thread.width) << 2;
    const to = min((block + 1) * plan.blockFields, plan.numFields);
    for (let f = block * plan.blockFields; f < to; f++) {
      if (!load<u32>(plan.large + ((<usize>f) << 2))) continue;
      let pair = thread.ids + ((<usize>f) << 2);
      for (let r: u32 = 0; r < thread.numRows; r++, pair += bytes) touched |= touch(table, load<u32>(pair));
    }
  }
  thread.touched = touched;
}

function touch(table: FfmTable, id: u32): u32 {
  const p = table.vectors + <usize>id * table.stride;
  let read = load<u32>(table.accumulators + <usize>id * table.accumulatorStride);
  for (let b: usize = 0; b < table.stride; b += 64) read |= load<u32>(p + b);
  return read;
}
