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

import { putSplitOptions } from "../../../kernels/gbdt/binding.js";
import { gradientSums, scalesOf } from "./gradients.js";
import { finishLeaves, type GrowingLeaf, type GrownNode, type GrownTree } from "./growing-tree.js";
import type { GbdtOptions } from "../options.js";
import { findSplits } from "./leaf-splits.js";
import { sendRows } from "./partition.js";
import type { OwnShare } from "./thread-share.js";

export type { GrownTree };

/** Options of a tree to grow from the current gradients. */
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

/** The grown tree, or "diverged" if a sum of gradients or hessians is not finite. */
export type Grown = GrownTree | "diverged";

/** Grows a tree from the gradients and adds its values to the scores. */
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

/**
 * Sets the factors that convert gradients to integers, and lists the rows on which the tree grows.
 * @returns whether all sums are finite
 */
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

/** Returns the number of the leaf to split; undefined if no split has a gain. */
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

/** Splits a leaf: makes it the left leaf and returns the right one. The rows are partitioned later (partition.ts). */
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
