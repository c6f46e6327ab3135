// A tree under way, in bins: its leaves and the nodes that they have become; and the same in numbers and categories.

import type { Feature } from "../features.js";
import type { GrownTree } from "./grow.js";
import { leafValue, type ValueOptions } from "./leaf-values.js";
import type { Node, Test, Tree } from "../forest/tree.js";

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
