// Divides the features into PARTS parts, each of which one thread updates, and the (feature, value) pairs of a batch by
// the parts of their features. 32 adjacent features are in one part, so that no two threads write to adjacent memory.
//
//   sorted       u32: pairs of block 0: of part 0, of part 1, ...; of block 1: ...
//                pairs are numbered from the batch's first pair
//   partStarts   u32[blocks][PARTS + 1]: start of each part
//
// The thread that processes a block sorts its pairs, so that a part finds its pairs, in the order of the batch, without
// reading all of them.

import { firstPair } from "../../shared/assembly/rows";
import { NetPlan, NetRows, PARTS } from "./plan";

/** Returns the part of a feature or cross. */
export function partOf(feature: u32): u32 {
  return (feature >>> 5) & (PARTS - 1);
}

/**
 * Sorts the pairs of a block of rows by part, by counting sort.
 *
 * @param first index in `rows` of the batch's first row
 * @param row index in `rows` of the block's first row
 */
export function sortPairs(
  plan: NetPlan,
  rows: NetRows,
  first: u32,
  row: u32,
  numRows: u32,
  block: u32,
): void {
  const base = firstPair(rows, first);
  const ids = rows.ids + ((<usize>base) << 2);
  const starts = plan.partStarts + ((<usize>(block * (PARTS + 1))) << 2);
  const from = (<usize>(firstPair(rows, row) - base)) << 2;
  const end = (<usize>(firstPair(rows, row + numRows) - base)) << 2;

  // `starts` first contains counts, then the ends of parts, which decrease to their starts while pairs are placed from
  // the last one down
  memory.fill(starts, 0, (PARTS + 1) << 2);
  for (let j = from; j < end; j += 4) {
    const at = starts + ((<usize>partOf(load<u32>(ids + j))) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  let sum = <u32>(from >>> 2);
  for (let part: usize = 0; part <= PARTS; part++) {
    sum += load<u32>(starts + (part << 2));
    store<u32>(starts + (part << 2), sum);
  }
  for (let j = end; j > from;) {
    j -= 4;
    const at = starts + ((<usize>partOf(load<u32>(ids + j))) << 2);
    const place = load<u32>(at) - 1;
    store<u32>(at, place);
    store<u32>(plan.sorted + ((<usize>place) << 2), <u32>(j >>> 2));
  }
}

/** Returns the address in `sorted` of the first pair of a block and part. */
export function partStart(plan: NetPlan, block: u32, part: u32): usize {
  const at = plan.partStarts + ((<usize>(block * (PARTS + 1) + part)) << 2);
  return plan.sorted + ((<usize>load<u32>(at)) << 2);
}
