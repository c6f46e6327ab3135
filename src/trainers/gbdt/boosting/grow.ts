// Grows one tree, by all threads together.
//
//   gradients ─► root histogram of integers ─► best split of the root
//   repeat: the leaf with the greatest gain ─► partition of its rows ─► histogram of the smaller side
//           ─► histogram of the larger side by subtraction ─► best splits of both sides
//   leaves' values from their sums ─► scores
//
// Every thread executes this code on the shared memory and makes the same decisions from the same numbers. Sums are
// divided among threads by rows, searches by features (thread-share.ts).
//
// Source: Ke et al. 2017 (LightGBM); best-first growth: Shi 2007.

import { putSplitOptions, BLOCK_ROWS } from "../../../compute/kernels/gbdt/binding.js";
import { gradientSums, scalesOf } from "./gradients.js";
import { finishLeaves, type GrowingLeaf, type GrownNode, type GrownTree } from "./growing-tree.js";
import type { GbdtOptions } from "../options.js";
import {
  findSplits,
  addRows,
  beginRows,
  searchAll,
  sidesOf,
  takeBest,
  type LeafLimits,
} from "./leaf-splits.js";
import type { OwnShare } from "./thread-share.js";

export interface GrowTask {
  options: GbdtOptions;
  /** index of the class to whose scores the tree is added; 0 unless the loss is softmax */
  ofClass: number;
  /** number of sampled rows, which are in `bag`; undefined if all rows are used */
  bagged?: number;
  /** maximum factor by which the gradients of a sampled row were multiplied */
  amplified: number;
  /** for each feature, whether the tree may split on it; undefined if it may split on all */
  features?: Uint8Array;
}

/** "diverged" if a sum of gradients or hessians is not finite. */
export type Grown = GrownTree | "diverged";

export function growTree(share: OwnShare, task: GrowTask): Grown {
  const { options, ofClass, bagged, features } = task;
  const count = bagged ?? share.layout.numTrain;
  if (!prepare(share, task, count)) return "diverged";
  const root = { begin: 0, end: count, isWhole: bagged === undefined, depth: 0, slot: 0, moreL2: 0 };
  const leaves: GrowingLeaf[] = [{ ...root, side: "left" }];
  const nodes: GrownNode[] = [];
  const pairs = share.layout.pairs + ofClass * share.layout.pairsApart;
  findSplits(share, pairs, leaves[0]!, undefined, options, features);
  while (leaves.length < options.numLeaves) {
    const chosen = nextLeaf(leaves, options.grow);
    if (chosen === undefined) break;
    const leaf = leaves[chosen]!;
    const { node, right } = splitLeaf(leaf, chosen, leaves.length, nodes.length, options);
    nodes.push(node);
    leaves.push(right);
    const limits = leaves.length < options.numLeaves ? options : undefined;
    const split = { node, number: nodes.length - 1, left: leaf, right };
    sendRows(share, split, pairs, limits, features);
  }
  return { nodes, leaves: finishLeaves(share, nodes, leaves, options, ofClass, bagged !== undefined) };
}

function prepare(share: OwnShare, { options, ofClass, bagged, amplified }: GrowTask, count: number): boolean {
  const { order, bag, options: place } = share.layout;
  const [sumG, sumH] = gradientSums(share, ofClass);
  if (!Number.isFinite(sumG) || !Number.isFinite(sumH)) return false;
  // every thread writes the same options to the shared memory
  putSplitOptions(share, place, options, scalesOf(amplified * sumG, amplified * sumH));
  const [from, to] = share.rows(0, count);
  if (bagged === undefined) share.kernel.countUp(order + 4 * from, from, to - from);
  else {
    share.u32(order, count).set(share.u32(bag, count).subarray(from, to), from);
    share.barrier();
  }
  return true;
}

/** Undefined if no split has a gain. */
function nextLeaf(leaves: readonly GrowingLeaf[], grow: GbdtOptions["grow"]): number | undefined {
  let best: number | undefined;
  leaves.forEach(({ split, depth }, i) => {
    if (!split) return;
    const other = best === undefined ? undefined : leaves[best]!;
    const shallower = grow === "depth" && other !== undefined && depth !== other.depth;
    if (!other || (shallower ? depth < other.depth : split.gain > other.split!.gain)) best = i;
  });
  return best;
}

/** The leaf becomes the left leaf. The rows are partitioned later. */
function splitLeaf(
  leaf: GrowingLeaf,
  number: number,
  rightNumber: number,
  nodeNumber: number,
  { catL2 }: GbdtOptions,
): { node: GrownNode; right: GrowingLeaf } {
  const { feature, gain, bin, flag, leftCount, goesLeft, ...sums } = leaf.split!;
  const node: GrownNode = {
    feature,
    gain,
    left: ~number,
    right: ~rightNumber,
    bin,
    missingLeft: goesLeft === undefined && flag,
    goesLeft,
  };
  if (leaf.parent) leaf.parent[leaf.side] = nodeNumber;
  const middle = leaf.begin + leftCount;
  const moreL2 = goesLeft !== undefined && flag ? catL2 : 0;
  const both = { isWhole: false, depth: leaf.depth + 1, moreL2, parent: node };
  const right: GrowingLeaf = {
    ...both,
    ...{ begin: middle, end: leaf.end, slot: rightNumber, side: "right", sums: sums.right },
  };
  Object.assign(leaf, { ...both, end: middle, side: "left", sums: sums.left });
  return { node, right };
}

// Partitions the rows of a leaf between the two sides of its split; the rows of each side keep their order.
//
//   one thread       partition in place ─► both sides' best splits (leaf-splits.ts)
//   more threads     a piece's rows to a buffer, and those of the smaller side into the thread's histogram ─ barrier ─►
//                    pieces copied to their places, features merged and searched ─ barrier
//
// Trees have many small leaves, so that the number of barriers per leaf matters more than the copies of the rows.

interface NewSplit {
  node: GrownNode;
  number: number;
  /** left and right leaf of the split; the range of the left one precedes that of the right one in the order of rows */
  left: GrowingLeaf;
  right: GrowingLeaf;
}

/** Each side keeps the order of the rows, at any number of threads. Without limits, sides are not split further. */
function sendRows(
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

/** In place: rows of the left side overwrite rows that have been read already. */
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

/** Pieces are partitioned into buffers, which are copied once the numbers of left rows of earlier pieces are known. */
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

/** Writes which bins go left: the first thread to the tree's memory, the others to their scratch memory. */
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
