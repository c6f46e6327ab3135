// Compiles trees to arrays for the kernel. Thresholds are replaced by their rank within the column, so that a row is a
// list of integer codes.
//
//   number     code = number of the column's thresholds below x; x <= threshold[i] if code <= i
//   category   code = the category's number
//   65535      missing, or a category that occurs in no tree
//
// Source of the rules for missing numbers: LightGBM 4, NumericalDecision and CategoricalDecision of tree.h.

import { MISSING_BIN } from "../../../compute/kernels/gbdt/binding.js";
import { ArtifactError } from "../../../base/errors.js";
import { lowerBound, mapTo } from "../../../base/numeric/indices.js";
import type { Node, Tree } from "./tree.js";

/** What a column treats as missing: no number (NaN becomes 0), NaN and 0, or NaN. */
export type MissingNumbers = "none" | "zero" | "nan";

export interface ForestColumn {
  kind: "number" | "category";
  name: string;
  missing: MissingNumbers;
  /** true if numbers are rounded to f32 before they are compared */
  single?: true;
  /** numbers of the categories that replace missing and unknown ones; if absent, both go right at every split */
  ifMissing?: number;
  ifUnknown?: number;
}

export interface TreeSums {
  columns: ForestColumn[];
  trees: Tree[];
  /** number of classes, if there are several */
  numClasses?: number;
  /** index of the class to whose sum each tree is added; absent: t modulo numClasses for tree t */
  classOf?: readonly number[];
  /** initial value of each class's sum; absent: 0 */
  base?: readonly number[];
}

/** With the objective that its text model states. */
export interface Forest extends TreeSums {
  /** a row's sum of leaf values: log-odds (binary), the number itself, or a class's score before the softmax */
  objective: "binary" | "regression" | "multiclass";
}

/** Scores per row. */
export function numClassesOf({ numClasses = 1 }: Pick<TreeSums, "numClasses">): number {
  return numClasses;
}

/** Index of each tree's first leaf among all leaves. */
export function leafStarts({ trees }: Pick<TreeSums, "trees">): { starts: number[]; numLeaves: number } {
  let numLeaves = 0;
  const starts = trees.map(({ leaves }) => (numLeaves += leaves.length) - leaves.length);
  return { starts, numLeaves };
}

/** For compute/kernels/gbdt/assembly/predict.ts. */
export interface CompiledForest {
  numTrees: number;
  /** ascending thresholds of each numeric column, padded with infinity to a power of two */
  edges: Float64Array[];
  /**
   * i32[numNodes][4]: column and kind of the test, rank of the threshold or position in `sets`, left and right child;
   * and the bit sets of the categories that go left
   */
  nodes: Int32Array;
  sets: Uint32Array;
  roots: Int32Array;
  starts: Uint32Array;
  /** u32: class of each tree */
  classes: Uint32Array;
  values: Float64Array;
}

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

/** u32 words */
export function bitSet(categories: readonly number[]): number[] {
  const words = Array.from({ length: ((categories.at(-1) ?? 0) >>> 5) + 1 }, () => 0);
  for (const c of categories) words[c >>> 5] = (words[c >>> 5]! | (1 << (c & 31))) >>> 0;
  return words;
}
