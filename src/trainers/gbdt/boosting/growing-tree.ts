// A growing tree, whose splits are bins: computes the values of its leaves, adds them to the scores, and converts bins
// to thresholds and categories.

import type { Feature } from "../features.js";
import type { GbdtOptions } from "../options.js";
import type { Node, Test, Tree } from "../forest/tree.js";
import { BLOCK_ROWS, Node as NodeStruct, numBlocks } from "../../../compute/kernels/gbdt/binding.js";
import { putStruct } from "../../../compute/kernels/shared/struct.js";
import type { OwnShare } from "./thread-share.js";

export interface GrownNode {
  feature: number;
  gain: number;
  left: number;
  right: number;
  /** split of a numeric feature: bins up to this one go left */
  bin: number;
  missingLeft: boolean;
  /** split of a categorical feature: u8 by bin, 1 if rows with the bin go left */
  goesLeft?: Uint8Array;
}

/** Over the rows of a leaf. */
interface GradientSums {
  sumG: number;
  sumH: number;
}

export interface GrownSplit {
  feature: number;
  gain: number;
  bin: number;
  /** for a numeric split: whether missing values go left; for a categorical split: whether catL2 applies */
  flag: boolean;
  leftCount: number;
  left: GradientSums;
  right: GradientSums;
  goesLeft?: Uint8Array;
}

export interface GrowingLeaf {
  begin: number;
  end: number;
  /** whether the leaf's rows are begin .. end - 1 and need no list, as for the root without sampling */
  isWhole: boolean;
  depth: number;
  /** index of the leaf's histogram in memory */
  slot: number;
  /** sums of the gradients and hessians of the leaf's rows; undefined for a root that was not split */
  sums?: GradientSums;
  split?: GrownSplit;
  /** L2 that is added to lambdaL2 because of the parent's split */
  moreL2: number;
  /** parent node of the leaf, and whether the leaf is its left or right child */
  parent?: GrownNode;
  side: "left" | "right";
}

export function sizeOf({ begin, end }: GrowingLeaf): number {
  return end - begin;
}

interface GrownLeaf extends GradientSums {
  value: number;
  count: number;
}

export interface GrownTree {
  nodes: GrownNode[];
  leaves: GrownLeaf[];
}

type ValueOptions = Pick<GbdtOptions, "lambdaL1" | "lambdaL2" | "learningRate">;

/** -T(G) / (H + l2), which minimizes the loss. T(G) is G, moved towards 0 by l1 (gain.ts). */
export function leafValue(g: number, h: number, l1: number, l2: number): number {
  const t = Math.sign(g) * Math.max(0, Math.abs(g) - l1);
  return h + l2 > 0 ? -t / (h + l2) : 0;
}

/** Adds the values to the scores of all rows for one class. @param bagged whether the tree was grown on a sample */
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
    // a root that was not split has the value 0, so it changes no score
    const { sumG, sumH } = leaf.sums ?? { sumG: 0, sumH: 0 };
    const l2 = lambdaL2 + leaf.moreL2;
    return { value: learningRate * leafValue(sumG, sumH, lambdaL1, l2), sumG, sumH, count: sizeOf(leaf) };
  });
  // the leaves list the training rows unless these were sampled; for all other rows, the kernel walks down the tree
  const pieces = bagged ? [] : leaves.flatMap(({ begin, end }, leaf) => piecesOf(begin, end, leaf));
  // sorts the blocks of the leaves' rows by their relative position in their leaf; since each leaf lists its rows in
  // ascending order, neighboring blocks then belong to about the same range of rows
  const positionOf = ({ first, n, leaf }: Piece) =>
    (first + n / 2 - leaves[leaf]!.begin) / sizeOf(leaves[leaf]!);
  pieces.sort((a, b) => positionOf(a) - positionOf(b));
  const walks = nodes.length > 0 && (bagged || numRows > numTrain);
  if (walks) writeTree(share, nodes, finished);
  const walked = walks ? piecesOf(bagged ? 0 : numTrain, numRows, 0) : [];
  share.take(pieces.length + walked.length, (piece) => {
    const added = pieces[piece];
    if (added) kernel.addValue(order + 4 * added.first, added.n, scores, finished[added.leaf]!.value);
    else walk(share, scores, walked[piece - pieces.length]!);
  });
  share.barrier();
  return finished;
}

/** For `walk`; every thread writes the same values. */
function writeTree(share: OwnShare, nodes: readonly GrownNode[], leaves: readonly GrownLeaf[]): void {
  const { layout } = share;
  nodes.forEach(({ feature, left, right }, i) => {
    const { byte, wide } = layout.places[feature]!;
    putStruct(share, NodeStruct, layout.nodes + i * NodeStruct.size, { byte, wide, left, right });
  });
  new Float64Array(share.buffer, layout.values, leaves.length).set(leaves.map(({ value }) => value));
}

interface Piece {
  first: number;
  n: number;
  leaf: number;
}

function piecesOf(begin: number, end: number, leaf: number): Piece[] {
  return Array.from({ length: numBlocks(end - begin) }, (_, block) => {
    const first = begin + block * BLOCK_ROWS;
    return { first, n: Math.min(BLOCK_ROWS, end - first), leaf };
  });
}

/** For rows that are in no leaf's list. */
function walk(share: OwnShare, scores: number, { first, n }: Piece): void {
  const { bins, stride, nodes, tables, tableBytes, values } = share.layout;
  share.kernel.walk(bins + first * stride, n, stride, nodes, tables, tableBytes, values, scores + 4 * first);
}

/** Threshold of a split that sends all numbers to the left. */
const ABOVE_ALL = Number.MAX_VALUE;

/** From bins to thresholds and categories; each node also gets the value that it would have as a leaf. */
export function treeOf(grown: GrownTree, features: readonly Feature[], options: ValueOptions): Tree {
  const { learningRate, lambdaL1, lambdaL2 } = options;
  const leaves = grown.leaves.map(({ value, sumH, count }) => ({ value, weight: sumH, count }));
  // the sums of a node are those of its two children, added up; children have greater indexes than their parents
  const sums = grown.nodes.map(() => ({ g: 0, h: 0, count: 0 }));
  const sumsOf = (child: number) => {
    if (child >= 0) return sums[child]!;
    const { sumG: g, sumH: h, count } = grown.leaves[~child]!;
    return { g, h, count };
  };
  for (let i = grown.nodes.length - 1; i >= 0; i--) {
    const [l, r] = [sumsOf(grown.nodes[i]!.left), sumsOf(grown.nodes[i]!.right)];
    sums[i] = { g: l.g + r.g, h: l.h + r.h, count: l.count + r.count };
  }
  const nodes = grown.nodes.map((node, i): Node => {
    const { feature, left, right, gain } = node;
    const { g, h, count } = sums[i]!;
    const value = learningRate * leafValue(g, h, lambdaL1, lambdaL2);
    return { feature, test: testOf(node, features[feature]!), left, right, gain, value, weight: h, count };
  });
  return { nodes, leaves, shrinkage: learningRate };
}

function testOf({ bin, missingLeft, goesLeft }: GrownTree["nodes"][number], feature: Feature): Test {
  if (feature.kind === "number")
    return { kind: "number", threshold: feature.edges[bin] ?? ABOVE_ALL, missingLeft };
  const left: number[] = [];
  goesLeft?.forEach((goes, b) => goes === 1 && left.push(b - 1));
  return { kind: "category", left };
}

export function shifted(tree: Tree, constant: number): Tree {
  const moved = <T extends { value: number }>(part: T): T => ({ ...part, value: part.value + constant });
  return { ...tree, nodes: tree.nodes.map(moved), leaves: tree.leaves.map(moved) };
}
