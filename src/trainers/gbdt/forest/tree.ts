// The structure of a tree: nodes in the order of their splits, and numbered leaves.
//
//   node 0 is the root; a child is a node's number, or ~leaf
//   a split's left side keeps the leaf's number, its right side gets the next one      as in LightGBM

import {
  count,
  either,
  flag,
  list,
  number,
  object,
  where,
  whole,
  word,
  type Shape,
} from "../../../base/io/json-shape.js";

export type Test =
  | {
      kind: "number";
      /** numbers up to the threshold go left */
      threshold: number;
      missingLeft: boolean;
    }
  | {
      kind: "category";
      /** categories that go left, ascending; all others, including missing ones, go right */
      left: number[];
    };

export interface Node {
  feature: number;
  test: Test;
  left: number;
  right: number;
  gain: number;
  /** value that the node would have as a leaf */
  value: number;
  weight: number;
  count: number;
}

export interface Leaf {
  value: number;
  weight: number;
  count: number;
}

export interface Tree {
  nodes: Node[];
  /** at least one */
  leaves: Leaf[];
  /** factor by which the leaf values were multiplied */
  shrinkage: number;
}

/** Every leaf, and every node except the root, is the child of exactly one node. */
export function isTree(left: readonly number[], right: readonly number[], numLeaves: number): boolean {
  if (left.length !== numLeaves - 1) return false;
  const reached = new Set<number>(left.length > 0 ? [0] : []);
  for (const node of reached) {
    if (node < 0) continue;
    for (const child of [left[node]!, right[node]!]) {
      const exists = Number.isInteger(child) && child >= -numLeaves && child < left.length;
      if (!exists || reached.has(child)) return false;
      reached.add(child);
    }
  }
  return left.length === 0 || reached.size === left.length + numLeaves;
}

const sides = { left: whole(-(2 ** 31), 2 ** 31), right: whole(-(2 ** 31), 2 ** 31) };
const threshold = where("a number", (value) => typeof value === "number" || value === null);
const treeParts = object({
  nodes: list(
    object({
      ...{ feature: count, gain: number, value: number, weight: number, count: number, ...sides },
      test: either(
        object({ kind: word("category"), left: list(whole(0, 65_535)) }),
        object({ kind: word("number"), threshold, missingLeft: flag }),
      ),
    }),
  ),
  leaves: list(object({ value: number, weight: number, count: number })),
  shrinkage: number,
});

export const treeShape: Shape = (value, at) => {
  const problem = treeParts(value, at);
  if (problem !== undefined) return problem;
  const { nodes, leaves } = value as Tree;
  const sidesOf = (side: "left" | "right") => nodes.map((node) => node[side]);
  return isTree(sidesOf("left"), sidesOf("right"), leaves.length)
    ? undefined
    : `${at}: its nodes do not form a tree`;
};
