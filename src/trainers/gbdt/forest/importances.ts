// What each column does in a forest: how many nodes split on it, and what these gained. Both are LightGBM's `split` and `gain`.

import type { Forest } from "./forest.js";

export interface Importance {
  column: string;
  /** nodes that split on it */
  splits: number;
  /** sum of their gains */
  gain: number;
}

/** By column, in the columns' order. */
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

/** The columns of the greatest gain first; of equal gains the first column. */
export function byGain(all: readonly Importance[]): Importance[] {
  return all.toSorted((a, b) => b.gain - a.gain);
}
