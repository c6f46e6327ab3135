// What a model file of LightGBM or XGBoost holds.

import type { TreeSums } from "../forest/forest.js";

/** A category's key is at its position. */
export interface Categories {
  keys: string[];
  /** what cells hold: text, or numbers, of which `3` and `3.0` are one; codes are whole ones, and 3.7 is 3 */
  cells: "text" | "number" | "code";
}

export interface ForeignModel {
  sums: TreeSums;
  /** by categorical column */
  categories: Map<string, Categories>;
}
