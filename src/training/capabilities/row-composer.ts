// Rows of features as one vector and one bias each: what a model makes of several of its features together.

import type { FeatureRows } from "../../dataset/rows.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";

export interface RowComposer {
  /** numbers of a vector */
  dim: number;
  /** f32[numRows * dim]: the vector of each row's features */
  vectors(rows: FeatureRows): Float32Array;
  /** f32[numRows]: the bias of each row's features, with what they add among themselves */
  weights(rows: FeatureRows): Float32Array;
  /** vectors side by side in a row of the table, each with a penalty of its own when it is folded in */
  numBlocks: number;
}

/** A run's features and what adds them up. */
export interface Composition {
  space: FeatureSpace;
  composer: RowComposer;
}
