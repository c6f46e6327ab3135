// What a model makes of several of its features together: one vector and one bias, and the parameters of a feature it lacks.
//
// Rows whose features fall into two groups, the user's and the item's, score
//
//   w0 + bias_u + bias_i + <vector_u, vector_i>

import type { FeatureRows } from "../dataset/rows.js";
import type { RowComposer } from "../training/capabilities/run-space.js";
import type { FoldInEvents } from "./fold-in.js";
import type { FmParameters } from "./model.js";

export interface Composer extends RowComposer {
  /** What rows say of the parameters of one feature, with everything else as the model has it. */
  events(rows: FeatureRows, own: number): Pick<FoldInEvents, "dim" | "phi" | "offsets">;
  /** The same over other parameters. */
  over(parameters: FmParameters): Composer;
}
