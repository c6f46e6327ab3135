// A tree in bins: its leaves and the nodes that they have become, the values of its leaves from the sums of their histograms, the
// scores after it; and the same tree in numbers and categories.

import type { Feature } from "../features.js";
import type { GbdtOptions } from "../options.js";
import type { Node, Test, Tree } from "../forest/tree.js";
import { BLOCK_ROWS, Node as NodeStruct, numBlocks } from "../../../kernels/gbdt/binding.js";
import { putStruct } from "../../../kernels/shared/struct.js";
import type { OwnShare } from "./thread-share.js";

/** A split of the tree. */
export interface GrownNode {
  feature: number;
  gain: number;
  left: number;
  right: number;
  /** numbers: bins up to it go left */
  bin: number;
  missingLeft: boolean;
  /** categories: u8 by bin */
  goesLeft?: Uint8Array;
}

/** Sums of the gradients and hessians of a leaf's rows. */
export interface Sums {
  sumG: number;
  sumH: number;
}

/** The best split that a leaf has. */
export interface Split {
  feature: number;
  gain: number;
  bin: number;
  /** numbers: whether missing ones go left; categories: whether catL2 applies */
  flag: boolean;
  leftCount: number;
  left: Sums;
  right: Sums;
  goesLeft?: Uint8Array;
}

/** A leaf: a stretch of the order of the rows. */
export interface GrowingLeaf {
  begin: number;
  end: number;
  /** whether its rows are begin .. end - 1 themselves, as the root's are where all are used */
  isWhole: boolean;
  depth: number;
  /** which histogram */
  slot: number;
  /** undefined of a root that is not split */
  sums?: Sums;
  split?: Split;
  /** what its parent's split adds to lambdaL2 */
  moreL2: number;
  /** node and side that point to it */
  parent?: GrownNode;
  side: "left" | "right";
}

/** Rows of a leaf. */
export function sizeOf({ begin, end }: GrowingLeaf): number {
  return end - begin;
}

/** A leaf with the sums of its rows' gradients and hessians. */
export interface GrownLeaf extends Sums {
  value: number;
  count: number;
}

/** The tree in bins. */
export interface GrownTree {
  nodes: GrownNode[];
  leaves: GrownLeaf[];
}

type ValueOptions = Pick<GbdtOptions, "lambdaL1" | "lambdaL2" | "learningRate">;

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
  // rows of the leaves where they hold all of the training part, and rows that are sent down the tree
  const pieces = bagged ? [] : leaves.flatMap(({ begin, end }, leaf) => piecesOf(begin, end, leaf));
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

/** The tree as `walk` reads it; every thread writes the same. */
function writeTree(share: OwnShare, nodes: readonly GrownNode[], leaves: readonly GrownLeaf[]): void {
  const { layout } = share;
  nodes.forEach(({ feature, left, right }, i) => {
    const { byte, wide } = layout.places[feature]!;
    putStruct(share, NodeStruct, layout.nodes + i * NodeStruct.size, { byte, wide, left, right });
  });
  new Float64Array(share.buffer, layout.values, leaves.length).set(leaves.map(({ value }) => value));
}

/** Consecutive rows. */
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

/** Sends rows that no leaf holds down the tree. */
function walk(share: OwnShare, scores: number, { first, n }: Piece): void {
  const { bins, stride, nodes, tables, tableBytes, values } = share.layout;
  share.kernel.walk(bins + first * stride, n, stride, nodes, tables, tableBytes, values, scores + 4 * first);
}

/** A threshold above all numbers. */
const ABOVE_ALL = Number.MAX_VALUE;

/** The tree with what each node would be as a leaf. */
export function treeOf(grown: GrownTree, features: readonly Feature[], options: ValueOptions): Tree {
  const { learningRate, lambdaL1, lambdaL2 } = options;
  const leaves = grown.leaves.map(({ value, sumH, count }) => ({ value, weight: sumH, count }));
  // sums of nodes from their children's: a child has a greater number than its parent
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

/** The tree with a constant added to what it says of every row. */
export function shifted(tree: Tree, constant: number): Tree {
  const moved = <T extends { value: number }>(part: T): T => ({ ...part, value: part.value + constant });
  return { ...tree, nodes: tree.nodes.map(moved), leaves: tree.leaves.map(moved) };
}
