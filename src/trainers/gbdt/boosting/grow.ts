// One tree, grown by all threads at once.
//
//   gradients ─► root histogram of integers ─► best split of the root
//   repeat: the leaf of the greatest gain ─► its rows to two sides ─► the smaller side's histogram ─► the larger's by
//           subtraction ─► best split of both
//   leaves' values from their sums ─► scores
//
// Every thread runs this over the shared memory and takes the same decisions from the same numbers; rows are cut among
// threads for the sums, features for the searches (thread-share.ts).
//
// Source: Ke et al. 2017 (LightGBM); best-first growth: Shi 2007.

import { BLOCK_ROWS, putSplitOptions } from "../../../kernels/gbdt/binding.js";
import { gradientSums, scalesOf } from "./gradients.js";
import {
  finishLeaves,
  GrowingTree,
  sizeOf,
  writeTable,
  type GrowingLeaf,
  type GrownTree,
} from "./growing-tree.js";
import type { GbdtOptions } from "../options.js";
import { LeafQueue } from "./leaf-queue.js";
import { findSplits } from "./leaf-splits.js";
import type { OwnShare } from "./thread-share.js";

export type { GrownTree };

/** A tree to be grown from gradients that are there. */
export interface GrowTask {
  options: GbdtOptions;
  /** whose scores the tree is for; 0 but for the softmax */
  ofClass: number;
  /** rows of the sample in `bag`; undefined for all */
  bagged?: number;
  /** what gradients of drawn rows were multiplied by at most */
  amplified: number;
  /** by feature, whether it may split; undefined for all */
  features?: Uint8Array;
}

/** Sum of |g| or of h is not finite. */
export type Grown = GrownTree | "diverged";

/** Rows of a leaf that threads share: below, each splits leaves of its own. At least so many, and this part of a thread's rows. */
const [SHARED_ROWS, SHARED_PART] = [8192, 0.5];

/** Grows a tree from the gradients and adds its values to the scores. */
export function growTree(share: OwnShare, task: GrowTask): Grown {
  const { options, ofClass, bagged } = task;
  const count = bagged ?? share.layout.numTrain;
  if (!prepare(share, task, count)) return "diverged";
  const root: GrowingLeaf = {
    begin: 0,
    end: count,
    isWhole: bagged === undefined,
    depth: 0,
    slot: 0,
    moreL2: 0,
  };
  const tree = new GrowingTree(root);
  const pairs = share.layout.pairs + ofClass * share.layout.pairsApart;
  findSplits(share, pairs, root, undefined, task);
  const shared = Math.max(SHARED_ROWS, (SHARED_PART * count) / share.numThreads);
  while (tree.leaves.length < options.numLeaves) {
    const chosen = tree.next(options.grow);
    if (chosen === undefined) break;
    const leaf = tree.leaves[chosen]!;
    if (share.numThreads > 1 && sizeOf(leaf) < shared) {
      growApart(share, tree, pairs, task);
      break;
    }
    const isLast = tree.leaves.length + 1 === options.numLeaves;
    const { left, right } = splitLeaf(share, leaf, tree.leaves.length, pairs, isLast, task);
    tree.split(chosen, leaf.split!, left, right);
  }
  return {
    nodes: tree.nodes,
    leaves: finishLeaves(share, tree, options, ofClass, bagged !== undefined),
  };
}

/** Grows the rest of a tree: each thread splits leaves of its own. */
function growApart(share: OwnShare, tree: GrowingTree, pairs: number, task: GrowTask): void {
  const queue = new LeafQueue(share, tree, task.options);
  if (share.index === 0) queue.fill(tree);
  share.barrier();
  for (let taken = queue.take(); taken; taken = queue.take()) {
    const { record, leaf, newSlot, isLast } = taken;
    const { left, right } = splitLeaf(share.alone, leaf, newSlot, pairs, isLast, task);
    queue.put(record, left, right);
  }
  share.barrier();
  queue.finish(tree);
}

/** The scales of the gradients' integers, and all rows in one leaf. @returns whether all sums are finite */
function prepare(share: OwnShare, { options, ofClass, bagged, amplified }: GrowTask, count: number): boolean {
  const { order, bag, options: place } = share.layout;
  const [sumG, sumH] = gradientSums(share, ofClass);
  if (!Number.isFinite(sumG) || !Number.isFinite(sumH)) return false;
  // every thread writes the same
  putSplitOptions(share, place, options, scalesOf(amplified * sumG, amplified * sumH));
  const [from, to] = share.rows(0, count);
  if (bagged === undefined) share.kernel.countUp(order + 4 * from, from, to - from);
  else {
    share.u32(order, count).set(share.u32(bag, count).subarray(from, to), from);
    share.barrier();
  }
  return true;
}

/**
 * Sends a leaf's rows to two sides and finds the best split of each.
 *
 * @param newSlot the histogram of the smaller side; the larger one has the leaf's
 * @param isLast  whether the sides will not be split
 */
function splitLeaf(
  share: OwnShare,
  leaf: GrowingLeaf,
  newSlot: number,
  pairs: number,
  isLast: boolean,
  task: GrowTask,
): { left: GrowingLeaf; right: GrowingLeaf } {
  const { feature, bin, flag, leftCount, goesLeft, ...sums } = leaf.split!;
  writeTable(share, { feature, bin, missingLeft: goesLeft === undefined && flag, goesLeft }, share.scratch);
  if (share.numThreads === 1) partitionAlone(share, leaf, feature);
  else partitionTogether(share, leaf, feature);
  const middle = leaf.begin + leftCount;
  const moreL2 = goesLeft !== undefined && flag ? task.options.catL2 : 0;
  const both = { isWhole: false, depth: leaf.depth + 1, moreL2 };
  const left = { ...both, begin: leaf.begin, end: middle, slot: leaf.slot, sums: sums.left };
  const right = { ...both, begin: middle, end: leaf.end, slot: newSlot, sums: sums.right };
  if (!isLast) findSplits(share, pairs, left, right, task);
  return { left, right };
}

// A partition moves a leaf's rows so that those of the left side stand first, each side in the rows' order whatever thread moves them.
// The thread's scratch has which bins go left.

/** The left side stays where it is, and is written over the rows that have been read. */
function partitionAlone(share: OwnShare, { begin, end }: GrowingLeaf, feature: number): void {
  const { order, columns, places, right } = share.layout;
  const { wide } = places[feature]!;
  let [l, r] = [begin, begin];
  for (let at = begin; at < end; at += BLOCK_ROWS) {
    const n = Math.min(BLOCK_ROWS, end - at);
    const [toLeft, toRight] = [order + 4 * l, right + 4 * r];
    const bins = columns[feature]!;
    const goes = share.kernel.partition(order + 4 * at, n, bins, wide, share.scratch, toLeft, toRight);
    l += goes;
    r += n - goes;
  }
  share.u32(order, end).set(share.u32(right, r).subarray(begin, r), l);
}

/** Both sides of each piece are written aside, and copied when it is known how many rows of earlier pieces go left. */
function partitionTogether(share: OwnShare, { begin, end }: GrowingLeaf, feature: number): void {
  const { order, columns, places, left, right, counts } = share.layout;
  const { wide } = places[feature]!;
  const size = share.pieceOf(end - begin);
  const numPieces = Math.ceil((end - begin) / size);
  const numLeft = share.u32(counts, numPieces);
  share.take(numPieces, (piece) => {
    const at = begin + piece * size;
    const [rows, toLeft, toRight] = [order + 4 * at, left + 4 * at, right + 4 * at];
    const n = Math.min(size, end - at);
    const bins = columns[feature]!;
    numLeft[piece] = share.kernel.partition(rows, n, bins, wide, share.scratch, toLeft, toRight);
  });
  share.barrier();

  const lefts = new Uint32Array(numPieces + 1);
  for (let piece = 0; piece < numPieces; piece++) lefts[piece + 1] = lefts[piece]! + numLeft[piece]!;
  const rows = share.u32(order, end);
  share.take(numPieces, (piece) => {
    const at = begin + piece * size;
    const before = lefts[piece]!;
    const goes = lefts[piece + 1]! - before;
    rows.set(share.u32(left + 4 * at, goes), begin + before);
    const stays = Math.min(size, end - at) - goes;
    rows.set(share.u32(right + 4 * at, stays), at - before + lefts[numPieces]!);
  });
  share.barrier();
}
