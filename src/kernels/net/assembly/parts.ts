// Which pairs are of which part: features are dealt to the parts by runs of 32, so that no two threads write near one another.
//
//   sorted       u32: pairs of block 0: of part 0, of part 1, ...; of block 1: ...     numbered from the batch's first
//   partStarts   u32[blocks][PARTS + 1]: where they begin
//
// Each block is sorted by the thread that has it, so that a part finds its pairs, in the order of the batch, without reading all.

import { firstPair } from "../../shared/assembly/rows";
import { NetPlan, NetRows, PARTS } from "./plan";

/** The part of a feature, or of a cross: neighbors share it, as 32 of them have their slots in two cache lines. */
export function partOf(feature: u32): u32 {
  return (feature >>> 5) & (PARTS - 1);
}

/** Sorts the pairs of a block by counting. @param first the batch's first row, `row` the block's, both of `rows` */
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

  // counts, then where each part ends, then, moving down from the last pair, where it begins
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

/** Where the pairs of a part of a block begin. */
export function partStart(plan: NetPlan, block: u32, part: u32): usize {
  const at = plan.partStarts + ((<usize>(block * (PARTS + 1) + part)) << 2);
  return plan.sorted + ((<usize>load<u32>(at)) << 2);
}
