// A leaf's rows to the two sides of its split, each side in the rows' order whatever thread moved them.

import { BLOCK_ROWS } from "../../../kernels/gbdt/binding.js";
import type { GrowingLeaf, GrownNode } from "./growing-tree.js";
import type { OwnShare } from "./thread-share.js";

/** Moves a leaf's rows so that those of the left side stand first. @param number the node's */
export function partition(
  share: OwnShare,
  { begin, end }: GrowingLeaf,
  node: GrownNode,
  number: number,
): void {
  const { order, columns, places, left, right, counts, numThreads } = share.layout;
  const table = tableOf(share, node, number);
  const column = columns[node.feature]!;
  const { wide } = places[node.feature]!;
  const [from, to] = share.rows(begin, end);
  // the first thread's left side stays where it is, and is written over the rows that have been read
  const toLeft = share.index === 0 ? order : left;
  let [l, r] = [from, from];
  for (let at = from; at < to; at += BLOCK_ROWS) {
    const n = Math.min(BLOCK_ROWS, to - at);
    const rows = order + 4 * at;
    const goes = share.kernel.partition(rows, n, column, wide, table, toLeft + 4 * l, right + 4 * r);
    l += goes;
    r += n - goes;
  }
  const numLeft = share.u32(counts, numThreads);
  numLeft[share.index] = l - from;
  share.barrier();

  // the threads' sides one after another
  let [firstLeft, firstRight] = [begin, begin];
  for (let t = 0; t < numThreads; t++) firstRight += numLeft[t]!;
  for (let t = 0; t < share.index; t++) {
    const [a, b] = share.rows(begin, end, t);
    firstLeft += numLeft[t]!;
    firstRight += b - a - numLeft[t]!;
  }
  const rows = share.u32(order, end);
  if (toLeft === left) rows.set(share.u32(left, l).subarray(from, l), firstLeft);
  rows.set(share.u32(right, r).subarray(from, r), firstRight);
  share.barrier();
}

/** Which bins go left, as a table; every thread writes the same. */
function tableOf(
  { layout, buffer }: OwnShare,
  { feature, bin, missingLeft, goesLeft }: GrownNode,
  number: number,
): number {
  const { tables, tableBytes, places } = layout;
  const at = tables + number * tableBytes;
  const table = new Uint8Array(buffer, at, tableBytes);
  if (goesLeft) table.set(goesLeft);
  else {
    const missing = places[feature]!.numCells - 1;
    table.fill(1, 0, bin + 1);
    table.fill(0, bin + 1, missing);
    table[missing] = missingLeft ? 1 : 0;
  }
  return at;
}
