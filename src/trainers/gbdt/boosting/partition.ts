// Partitions the rows of a leaf between the two sides of its split; the rows of each side keep their order.
//
//   one thread       partition in place ─► both sides' best splits (leaf-splits.ts)
//   more threads     a piece's rows to a buffer, and those of the smaller side into the thread's histogram ─ barrier ─►
//                    pieces copied to their places, features merged and searched ─ barrier
//
// Trees have many small leaves, so that the number of barriers per leaf matters more than the copies of the rows.

import { BLOCK_ROWS } from "../../../kernels/gbdt/binding.js";
import type { GrowingLeaf, GrownNode } from "./growing-tree.js";
import {
  addRows,
  beginRows,
  findSplits,
  searchAll,
  sidesOf,
  takeBest,
  type LeafLimits,
} from "./leaf-splits.js";
import type { OwnShare } from "./thread-share.js";

/** A split node, and the two leaves between which its rows are partitioned. */
interface NewSplit {
  node: GrownNode;
  /** index of the node in the tree */
  number: number;
  /** left and right leaf of the split; the range of the left one precedes that of the right one in the order of rows */
  left: GrowingLeaf;
  right: GrowingLeaf;
}

/**
 * Partitions the rows of a split and finds the best splits of both sides. Each side keeps the order of the rows, at any
 * number of threads.
 *
 * @param pairs    byte offset of the gradients of the tree's class
 * @param limits   limits on further splits; undefined if the sides will not be split
 * @param features by feature, whether it may split; undefined for all
 */
export function sendRows(
  share: OwnShare,
  split: NewSplit,
  pairs: number,
  limits: LeafLimits | undefined,
  features: Uint8Array | undefined,
): void {
  const table = tableOf(share, split.node, split.number);
  if (share.numThreads > 1) sendTogether(share, split, table, pairs, limits, features);
  else {
    sendAlone(share, split, table);
    if (limits) findSplits(share, pairs, split.left, split.right, limits, features);
  }
}

/** Partitions the rows in one thread, in place: rows of the left side overwrite rows that have been read already. */
function sendAlone(share: OwnShare, { node, left, right: { end } }: NewSplit, table: number): void {
  const { order, columns, places, right } = share.layout;
  const { begin } = left;
  const { wide } = places[node.feature]!;
  let [l, r] = [begin, begin];
  for (let at = begin; at < end; at += BLOCK_ROWS) {
    const n = Math.min(BLOCK_ROWS, end - at);
    const [toLeft, toRight] = [order + 4 * l, right + 4 * r];
    const bins = columns[node.feature]!;
    const goes = share.kernel.partition(order + 4 * at, n, bins, wide, table, toLeft, toRight);
    l += goes;
    r += n - goes;
  }
  share.kernel.copyRows(order + 4 * l, right + 4 * begin, r - begin);
}

/**
 * Partitions the rows in pieces, which the threads share. Each piece is partitioned into buffers, which are copied to
 * the leaves' ranges when the numbers of left rows of earlier pieces are known.
 */
function sendTogether(
  share: OwnShare,
  { node, left: leftLeaf, right: rightLeaf }: NewSplit,
  table: number,
  pairs: number,
  limits: LeafLimits | undefined,
  features: Uint8Array | undefined,
): void {
  const { kernel, layout } = share;
  const { order, columns, places, left, right, counts } = layout;
  const [{ begin }, { end }] = [leftLeaf, rightLeaf];
  const { wide } = places[node.feature]!;
  const size = share.pieceOf(end - begin);
  const numPieces = Math.ceil((end - begin) / size);
  const numLeft = share.u32(counts, numPieces);
  const sides = limits && sidesOf(leftLeaf, rightLeaf, limits);
  const isLeftSmaller = sides?.smaller === leftLeaf;
  if (sides) beginRows(share);
  share.take(numPieces, (piece) => {
    const at = begin + piece * size;
    const [rows, toLeft, toRight] = [order + 4 * at, left + 4 * at, right + 4 * at];
    const n = Math.min(size, end - at);
    const goes = kernel.partition(rows, n, columns[node.feature]!, wide, table, toLeft, toRight);
    numLeft[piece] = goes;
    if (sides) addRows(share, isLeftSmaller ? toLeft : toRight, isLeftSmaller ? goes : n - goes, pairs);
  });
  share.barrier();

  const lefts = new Uint32Array(numPieces + 1);
  for (let piece = 0; piece < numPieces; piece++) lefts[piece + 1] = lefts[piece]! + numLeft[piece]!;
  share.take(numPieces, (piece) => {
    const at = begin + piece * size;
    const before = lefts[piece]!;
    const goes = lefts[piece + 1]! - before;
    const stays = Math.min(size, end - at) - goes;
    kernel.copyRows(order + 4 * (begin + before), left + 4 * at, goes);
    kernel.copyRows(order + 4 * (at - before + lefts[numPieces]!), right + 4 * at, stays);
  });
  if (sides) share.take(places.length, (f) => searchAll(share, f, sides, features));
  share.barrier();
  if (sides) takeBest(share, sides, features);
}

/**
 * Writes the table that says which bins of the split's feature go left. The first thread writes it to the tree's
 * memory; the other threads to their scratch memory.
 */
function tableOf(
  { layout, buffer, index, scratch }: OwnShare,
  { feature, bin, missingLeft, goesLeft }: GrownNode,
  number: number,
): number {
  const { tables, tableBytes, places, scratchTable } = layout;
  const at = index === 0 ? tables + number * tableBytes : scratch + scratchTable;
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
