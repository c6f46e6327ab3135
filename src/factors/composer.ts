// What a model makes of several of its features together: one vector and one bias, and the parameters of a feature it lacks.
//
// Rows whose features fall into two groups, the user's and the item's, score
//
//   w0 + bias_u + bias_i + <vector_u, vector_i>

import type { FeatureRows } from "../dataset/rows.js";
import type { FoldInEvents } from "./fold-in.js";
import type { FmParameters } from "./model.js";

export interface Composer {
  /** numbers of a vector */
  dim: number;
  /** f32[numRows * dim]: the vector of each row's features */
  vectors(rows: FeatureRows): Float32Array;
  /** f32[numRows]: the bias of each row's features, with what they add among themselves */
  weights(rows: FeatureRows): Float32Array;
  /** What rows say of the parameters of one feature, with everything else as the model has it. */
  events(rows: FeatureRows, own: number): Pick<FoldInEvents, "dim" | "phi" | "offsets">;
  /** vectors side by side in a row of the table, each with a penalty of its own when it is folded in */
  numBlocks: number;
  /** The same over other parameters. */
  over(parameters: FmParameters): Composer;
}
