// What `lift` is asked to do.

import type { TrainNetOptions } from "../../trainers/net/asked.js";

/** What each arm's step sizes are chosen from, all pairs of them. */
export const defaultRates = {
  learningRates: [0.001, 0.003],
  // a table of other rows is best moved little, one of the same rows much: their best differ by a hundred times
  embeddingLearningRates: [0.003, 0.02, 0.1, 0.3],
};

/** Epochs without a better validation loss: a random start may stay on its first level for some before it leaves it. */
export const DEFAULT_PATIENCE = 5;

export interface LiftOptions extends Omit<TrainNetOptions, "metric" | "init" | "out"> {
  /** the run whose table is judged */
  init: string;
  /** trainings of an arm; at least 2, since an interval needs them */
  seeds: number;
  learningRates: readonly number[];
  embeddingLearningRates: readonly number[];
  /** goes on where it cannot be told whether the table has seen the rows that it is judged by */
  unchecked?: boolean;
  /** a JSON file of the whole result */
  out?: string;
}
