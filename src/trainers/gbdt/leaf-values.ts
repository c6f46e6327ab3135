// What a grown tree's leaves are worth, from f64 sums of their rows' unquantised gradients, and the scores after it.

import { BLOCK_ROWS, Node } from "../../kernels/gbdt/binding.js";
import { putStruct } from "../../kernels/shared/struct.js";
import { sizeOf, type GrowingLeaf, type GrownNode } from "./growing.js";
import type { OwnShare } from "./own-share.js";

/** A leaf; sums are of unquantised gradients. */
export interface GrownLeaf {
  value: number;
  sumG: number;
  sumH: number;
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
  const { kernel, layout, buffer } = share;
  const { order, sums, values, numTrain, numRows } = layout;
  const pairs = layout.pairs + ofClass * layout.pairsApart;
  const scores = layout.scores + ofClass * layout.scoresApart;
  let block = 0;
  const starts = leaves.map(({ begin, end }) => {
    for (const part of share.blocks(begin, end, block)) {
      kernel.leafSums(order + 4 * part.first, part.n, pairs, sums + 16 * part.block);
    }
    const start = block;
    block += Math.ceil((end - begin) / BLOCK_ROWS);
    return start;
  });
  if (share.index === 0) writeNodes(share, nodes);
  share.barrier();
  const valueOf = new Float64Array(buffer, values, leaves.length);
  const finished = leaves.map((leaf, i) => {
    const count = sizeOf(leaf);
    const [sumG, sumH] = share.sumOf(sums + 16 * starts[i]!, Math.ceil(count / BLOCK_ROWS));
    // a tree without a split changes nothing
    const l2 = lambdaL2 + leaf.moreL2;
    const value = nodes.length === 0 ? 0 : learningRate * leafValue(sumG, sumH, lambdaL1, l2);
    valueOf[i] = value;
    return { value, sumG, sumH, count };
  });
  if (!bagged) {
    leaves.forEach(({ begin, end }, i) => {
      for (const { first, n } of share.blocks(begin, end, starts[i])) {
        kernel.addValue(order + 4 * first, n, scores, finished[i]!.value);
      }
    });
  }
  walk(share, scores, bagged ? 0 : numTrain, numRows, nodes.length);
  share.barrier();
  return finished;
}

/** Nodes as `walk` reads them. */
function writeNodes(share: OwnShare, nodes: readonly GrownNode[]): void {
  nodes.forEach(({ feature, left, right }, i) => {
    const { layout } = share;
    const { byte, wide } = layout.places[feature]!;
    putStruct(share, Node, layout.nodes + i * Node.size, { byte, wide, left, right });
  });
}

/** Sends rows that no leaf holds down the tree. */
function walk(share: OwnShare, scores: number, begin: number, end: number, numNodes: number): void {
  const { bins, stride, nodes, tables, tableBytes, values } = share.layout;
  if (numNodes === 0) return;
  for (const { first, n } of share.blocks(begin, end)) {
    const rows = bins + first * stride;
    share.kernel.walk(rows, n, stride, nodes, tables, tableBytes, values, scores + 4 * first);
  }
}
