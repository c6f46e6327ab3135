// What a grown tree's leaves are worth, from the sums of their histograms, and the scores after it.

import { Node, numBlocks } from "../../../kernels/gbdt/binding.js";
import { putStruct } from "../../../kernels/shared/struct.js";
import { sizeOf, type GrowingLeaf, type GrownNode, type Sums } from "./growing-tree.js";
import type { OwnShare } from "./thread-share.js";

/** A leaf with the sums of its rows' gradients and hessians. */
export interface GrownLeaf extends Sums {
  value: number;
  count: number;
}

export interface ValueOptions {
  lambdaL1: number;
  lambdaL2: number;
  learningRate: number;
}

/** -T(G) / (H + l2), T as in gain.ts: the step that gains most. */
export function leafValue(g: number, h: number, l1: number, l2: number): number {
  const t = Math.sign(g) * Math.max(0, Math.abs(g) - l1);
  return h + l2 > 0 ? -t / (h + l2) : 0;
}

/** Values of the leaves, added to the scores of all rows for a class. @param bagged whether the leaves lack some training rows */
export function finishLeaves(
  share: OwnShare,
  nodes: readonly GrownNode[],
  leaves: readonly GrowingLeaf[],
  { lambdaL1, lambdaL2, learningRate }: ValueOptions,
  ofClass: number,
  bagged: boolean,
): GrownLeaf[] {
  const { kernel, layout } = share;
  const { order, numTrain, numRows } = layout;
  const scores = layout.scores + ofClass * layout.scoresApart;
  const finished = leaves.map((leaf): GrownLeaf => {
    // a tree without a split changes nothing
    const { sumG, sumH } = leaf.sums ?? { sumG: 0, sumH: 0 };
    const l2 = lambdaL2 + leaf.moreL2;
    return { value: learningRate * leafValue(sumG, sumH, lambdaL1, l2), sumG, sumH, count: sizeOf(leaf) };
  });
  if (!bagged) {
    let block = 0;
    leaves.forEach(({ begin, end }, i) => {
      for (const { first, n } of share.blocks(begin, end, block))
        kernel.addValue(order + 4 * first, n, scores, finished[i]!.value);
      block += numBlocks(end - begin);
    });
  }
  if (nodes.length > 0 && (bagged || numRows > numTrain)) {
    writeTree(share, nodes, finished);
    walk(share, scores, bagged ? 0 : numTrain, numRows);
  }
  share.barrier();
  return finished;
}

/** The tree as `walk` reads it; every thread writes the same. */
function writeTree(share: OwnShare, nodes: readonly GrownNode[], leaves: readonly GrownLeaf[]): void {
  const { layout } = share;
  nodes.forEach(({ feature, left, right }, i) => {
    const { byte, wide } = layout.places[feature]!;
    putStruct(share, Node, layout.nodes + i * Node.size, { byte, wide, left, right });
  });
  new Float64Array(share.buffer, layout.values, leaves.length).set(leaves.map(({ value }) => value));
}

/** Sends rows that no leaf holds down the tree. */
function walk(share: OwnShare, scores: number, begin: number, end: number): void {
  const { bins, stride, nodes, tables, tableBytes, values } = share.layout;
  for (const { first, n } of share.blocks(begin, end)) {
    const rows = bins + first * stride;
    share.kernel.walk(rows, n, stride, nodes, tables, tableBytes, values, scores + 4 * first);
  }
}
