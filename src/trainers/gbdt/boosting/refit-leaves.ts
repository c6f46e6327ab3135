// Refits the leaf values of grown trees to new rows, without changing the splits.
//
//   s = 0; for each iteration: g, h of all rows at s; for each of its trees
//     step  = - shrinkage T(G) / (H + l2)                       over a leaf's rows
//     value = decay value + (1 - decay) step;  s += value
//
// A leaf without rows keeps decay times its value. Trees of the first iteration include the best constant and have
// shrinkage 1. Source: LightGBM 4.6, GBDT::RefitTree and SerialTreeLearner::FitByExistingTree.

import { gradient, softmaxGradient } from "../../../base/numeric/losses.js";
import { numClassesOf, type Forest } from "../forest/forest.js";
import { leafValue } from "./growing-tree.js";
import type { Tree } from "../forest/tree.js";

/** Added to a leaf's sum of hessians, as in LightGBM. */
const EPSILON = 1e-15;

interface RefitRows {
  /** u16[numRows][numTrees]: index of the leaf of each row in each tree */
  leaves: Uint16Array;
  labels: Float32Array;
  weights?: Float32Array;
}

/** @param decay share of its old value that a leaf keeps, in [0, 1] */
export function refitLeaves(
  forest: Forest,
  { leaves, labels, weights }: RefitRows,
  { decay, lambdaL1, lambdaL2 }: { decay: number; lambdaL1: number; lambdaL2: number },
): Tree[] {
  const numClasses = numClassesOf(forest);
  const { trees } = forest;
  const numRows = labels.length;
  const scores = Array.from({ length: numClasses }, () => new Float64Array(numRows));
  const [gs, hs] = [scores.map((own) => own.slice()), scores.map((own) => own.slice())];
  const takeGradients = (): void => {
    for (let row = 0; row < numRows; row++) {
      const w = weights ? weights[row]! : 1;
      const all =
        forest.objective === "multiclass"
          ? softmaxGradient(
              scores.map((own) => own[row]!),
              labels[row]!,
            )
          : [gradient(scores[0]![row]!, labels[row]!, forest.objective === "regression")];
      all.forEach(({ g, h }, k) => {
        gs[k]![row] = w * g;
        hs[k]![row] = w * h;
      });
    }
  };
  return trees.map((tree, t) => {
    const k = t % numClasses;
    if (k === 0) takeGradients();
    const sums = tree.leaves.map(() => ({ g: 0, h: EPSILON, count: 0 }));
    for (let row = 0; row < numRows; row++) {
      const sum = sums[leaves[row * trees.length + t]!]!;
      sum.g += gs[k]![row]!;
      sum.h += hs[k]![row]!;
      sum.count++;
    }
    const refitted = tree.leaves.map(({ value: before }, l) => {
      const { g, h, count } = sums[l]!;
      const step = tree.shrinkage * leafValue(g, h, lambdaL1, lambdaL2);
      return { value: decay * before + (1 - decay) * step, weight: h, count };
    });
    for (let row = 0; row < numRows; row++)
      scores[k]![row]! += refitted[leaves[row * trees.length + t]!]!.value;
    return withLeaves(tree, refitted);
  });
}

/** Recomputes the nodes' counts and hessians. */
function withLeaves(tree: Tree, leaves: Tree["leaves"]): Tree {
  const nodes = tree.nodes.map((node) => ({ ...node }));
  const partOf = (child: number) => (child >= 0 ? nodes[child]! : leaves[~child]!);
  // nodes are visited from the last, because children have greater indexes than their parents
  for (const node of nodes.toReversed()) {
    const [l, r] = [partOf(node.left), partOf(node.right)];
    node.weight = l.weight + r.weight;
    node.count = l.count + r.count;
  }
  return { ...tree, nodes, leaves };
}
