// How a training is watched and steered from outside, beside its options.

import type { FeatureRows } from "../../dataset/rows.js";
import type { Standing } from "../epochs/early-stopping.js";
import type { EpochEvent } from "../epochs/epoch.js";
import type { NamedArrays } from "../epochs/named-arrays.js";

/** What early stopping goes by in place of the validation loss. */
export interface StoppingMetric {
  /** as metrics.jsonl names it */
  name: string;
  better: "lower" | "higher";
  /** @param scores f32: before any link, in the label's unit @param rows with their labels and weights */
  of(scores: Float32Array, rows: FeatureRows): number;
}

/** Where a training stands after an epoch: with it, training goes on as if it had not stopped. */
export interface Checkpoint {
  /** what the trainer has made, and what it keeps of the best epoch */
  arrays: NamedArrays;
  standing: Standing;
  epochs: EpochEvent[];
}

/** What the loop of epochs is steered by. */
export interface LoopControls {
  /**
   * Called when the first epoch is done, with what ends the training early: it then returns the best epoch so far.
   *
   * @returns what withdraws the offer
   */
  onInterrupt?: (finish: () => void) => () => void;
  /** saves where the training stands after every so many epochs */
  checkpoint?: { every: number; save(checkpoint: Checkpoint): Promise<void> };
  /** where to go on */
  resume?: Checkpoint;
}

export interface TrainingControls extends LoopControls {
  stoppingMetric?: StoppingMetric;
  /** what the optimizer keeps goes with the model */
  keepsState?: boolean;
}
