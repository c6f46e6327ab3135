// Trees as arrays that the kernel walks: thresholds become positions among their column's, so that a row is its codes.
//
//   number     code = how many of the column's thresholds lie below x; x <= threshold[i] when code <= i
//   category   code = the category
//   65535      missing, or a category that no tree knows
//
// Source of the rules for missing numbers: LightGBM 4, NumericalDecision and CategoricalDecision of tree.h.

import { MISSING_BIN } from "../../../kernels/gbdt/binding.js";
import { ArtifactError } from "../../../errors.js";
import { lowerBound, mapTo } from "../../../numeric/indices.js";
import type { Node, Tree } from "./tree.js";

export { MISSING_BIN };

/** What a column's missing numbers are: none (then they are 0), NaN and 0, or NaN. */
export type MissingNumbers = "none" | "zero" | "nan";

export interface ForestColumn {
  kind: "number" | "category";
  name: string;
  missing: MissingNumbers;
  /** numbers are rounded to f32 before they are compared */
  single?: true;
  /** categories that stand for what is missing, and for what the vocabulary lacks; without them both go right at every split */
  ifMissing?: number;
  ifUnknown?: number;
}

/** Trees that send rows to leaves, and what their values sum up to. */
export interface TreeSums {
  columns: ForestColumn[];
  trees: Tree[];
  /** of several classes: how many */
  numClasses?: number;
  /** by tree, the class whose sum it adds to; t modulo numClasses when absent */
  classOf?: readonly number[];
  /** by class, what its sum starts from; 0 when absent */
  base?: readonly number[];
}

/** A trained forest: what its model text holds. */
export interface Forest extends TreeSums {
  /** binary: the sum of a row's leaf values is a log-odds; regression: the number itself; multiclass: a class's, before softmax */
  objective: "binary" | "regression" | "multiclass";
}

/** Scores that each row has. */
export function numClassesOf({ numClasses = 1 }: Pick<TreeSums, "numClasses">): number {
  return numClasses;
}

/** Where each tree's leaves start among all, and how many all are. */
export function leafStarts({ trees }: Pick<TreeSums, "trees">): { starts: number[]; numLeaves: number } {
  let numLeaves = 0;
  const starts = trees.map(({ leaves }) => (numLeaves += leaves.length) - leaves.length);
  return { starts, numLeaves };
}

/** Arrays as kernels/gbdt/assembly/predict.ts reads them. */
export interface CompiledForest {
  numTrees: number;
  numColumns: number;
  /** ascending thresholds of each number column, padded with infinity to a power of two */
  edges: Float64Array[];
  /** i32[numNodes][4], and the bit sets that they point into */
  nodes: Int32Array;
  sets: Uint32Array;
  roots: Int32Array;
  starts: Uint32Array;
  /** u32 by tree */
  classes: Uint32Array;
  values: Float64Array;
}

/** @throws {ArtifactError} a column has more thresholds than two bytes count */
export function compileForest({ columns, trees, numClasses = 1, classOf }: TreeSums): CompiledForest {
  const thresholds = thresholdsOf(columns, trees);
  const numNodes = trees.reduce((sum, tree) => sum + tree.nodes.length, 0);
  const nodes = new Int32Array(4 * numNodes);
  const sets: number[] = [];
  const roots = new Int32Array(trees.length);
  const starts = new Uint32Array(trees.length);
  const values: number[] = [];
  let at = 0;
  trees.forEach((tree, t) => {
    roots[t] = tree.nodes.length === 0 ? -1 : at;
    starts[t] = values.length;
    for (const { value } of tree.leaves) values.push(value);
    const first = at;
    const child = (to: number) => (to < 0 ? to : first + to);
    for (const node of tree.nodes) {
      const { kind, test } = testWords(node, thresholds, sets);
      nodes.set([node.feature | (kind << 16), test, child(node.left), child(node.right)], 4 * at++);
    }
  });
  return {
    numTrees: trees.length,
    numColumns: columns.length,
    edges: thresholds.map(padded),
    nodes,
    sets: Uint32Array.from(sets),
    roots,
    starts,
    classes: mapTo(Uint32Array, trees, (_, t) => classOf?.[t] ?? t % numClasses),
    values: Float64Array.from(values),
  };
}

function thresholdsOf(columns: readonly ForestColumn[], trees: readonly Tree[]): Float64Array[] {
  const found = columns.map(() => new Set<number>());
  for (const { nodes } of trees) {
    for (const { feature, test } of nodes) if (test.kind === "number") found[feature]!.add(test.threshold);
  }
  return found.map((set, f) => {
    if (set.size >= MISSING_BIN - 1)
      throw new ArtifactError(
        `column '${columns[f]!.name}' has ${set.size} thresholds; at most 65,533 are supported`,
      );
    return Float64Array.from(set).sort();
  });
}

function padded(thresholds: Float64Array): Float64Array {
  const edges = new Float64Array(2 ** Math.ceil(Math.log2(thresholds.length + 1))).fill(Infinity);
  edges.set(thresholds);
  return edges;
}

function testWords(
  { feature, test }: Node,
  thresholds: readonly Float64Array[],
  sets: number[],
): { kind: number; test: number } {
  if (test.kind === "number") {
    const kind = test.missingLeft ? 1 : 0;
    return { kind, test: lowerBound(thresholds[feature]!, test.threshold) + kind };
  }
  const at = 4 * sets.length;
  const words = bitSet(test.left);
  sets.push(words.length, ...words);
  return { kind: 2, test: at };
}

/** The categories as bits of u32 words. */
export function bitSet(categories: readonly number[]): number[] {
  const words = Array.from({ length: ((categories.at(-1) ?? 0) >>> 5) + 1 }, () => 0);
  for (const c of categories) words[c >>> 5] = (words[c >>> 5]! | (1 << (c & 31))) >>> 0;
  return words;
}
