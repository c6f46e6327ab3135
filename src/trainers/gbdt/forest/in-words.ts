// Describes a forest for readers: the conditions on the path to each leaf, `hour <= 6.5 and device in {ios, web}`, and
// the importance of each column.

import type { ColumnRecipe } from "../preprocess.js";
import type { Node, Tree } from "./tree.js";
import type { Forest } from "./forest.js";

/** t012:l07; trees and leaves are counted from 0. */
export function leafKey(tree: number, leaf: number): string {
  return `t${String(tree).padStart(3, "0")}:l${String(leaf).padStart(2, "0")}`;
}

interface Words {
  name: string;
  /** by category; an empty name is a key that `embed forget` removed */
  keys: string[];
}

export function wordsOf(columns: readonly ColumnRecipe[]): Words[] {
  return columns.map((column) => ({
    name: plain(column.name),
    keys: column.kind === "category" ? column.keys.map((key) => (key === "" ? "" : plain(key))) : [],
  }));
}

/** Empty for a tree with one leaf. */
export function leafPaths({ nodes, leaves }: Tree, words: readonly Words[]): string[] {
  const paths = leaves.map(() => "");
  const ways = nodes.map((): string[] => []);
  // nodes are visited in order, because children have greater indexes than their parents
  nodes.forEach((node, i) => {
    for (const side of ["left", "right"] as const) {
      const way = [...ways[i]!, conditionOf(node, words[node.feature]!, side === "left")];
      const child = node[side];
      if (child >= 0) ways[child] = way;
      else paths[~child] = way.join(" and ");
    }
  });
  return paths;
}

function conditionOf({ test }: Node, { name, keys }: Words, left: boolean): string {
  if (test.kind === "number") {
    // no number exceeds the largest f64, so a split at this threshold separates numbers from missing cells
    const all = test.threshold === Number.MAX_VALUE;
    if (all) return `${name} is ${left ? "not missing" : "missing"}`;
    const compared = `${name} ${left ? "<=" : ">"} ${test.threshold}`;
    return left === test.missingLeft ? `(${compared} or ${name} is missing)` : compared;
  }
  const named = test.left.map((c) => keys[c] ?? String(c)).filter((key) => key !== "");
  const set = named.join(", ");
  return `${name} ${left ? "in" : "not in"} {${set}}`;
}

function plain(text: string): string {
  return /^[\p{L}\p{N}_.-]+$/u.test(text) ? text : JSON.stringify(text);
}

/** The numbers are LightGBM's `split` and `gain`. */
export interface Importance {
  column: string;
  splits: number;
  gain: number;
}

export function importancesOf({ columns, trees }: Forest): Importance[] {
  const all = columns.map(({ name }): Importance => ({ column: name, splits: 0, gain: 0 }));
  for (const { nodes } of trees) {
    for (const { feature, gain } of nodes) {
      all[feature]!.splits++;
      all[feature]!.gain += gain;
    }
  }
  return all;
}

/** Equal gains keep their order. */
export function byGain(all: readonly Importance[]): Importance[] {
  return all.toSorted((a, b) => b.gain - a.gain);
}
