// The parts that a split cuts a dataset into.

import type { Imitation } from "./split-like.js";

/** u32: rows of each part. By time they are in time order; otherwise in the log's. */
export interface Parts {
  train: Uint32Array;
  valid: Uint32Array;
  test: Uint32Array;
  /** of a validation part that imitates another log */
  like?: Imitation;
}
