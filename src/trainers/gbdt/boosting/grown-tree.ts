// A grown tree in numbers and categories instead of bins.

import type { Feature } from "../features.js";
import type { GrownTree } from "./grow.js";
import { leafValue, type ValueOptions } from "./leaf-values.js";
import type { Node, Test, Tree } from "../forest/tree.js";

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
