// How a training is watched and steered from outside, beside its options.

import type { FeatureRows } from "../dataset/rows.js";
import type { FmState, OptimizerState } from "../kernels/fm-state.js";
import type { EpochEvent } from "./epoch.js";

/** What early stopping goes by in place of the validation loss. */
export interface Judge {
  /** as metrics.jsonl names it */
  name: string;
  better: "lower" | "higher";
  /** @param scores f32: before any link, in the label's unit @param rows with their labels and weights */
  of(scores: Float32Array, rows: FeatureRows): number;
}

/** Where a training stands after an epoch: with it, training goes on as if it had not stopped. */
export interface Checkpoint {
  state: FmState;
  /** the parameters that are kept, of the best epoch; absent where the last epoch's are taken */
  kept?: { vectors: Float32Array; w: Float32Array; optimizer?: OptimizerState };
  standing: Standing;
  epochs: EpochEvent[];
}

/** How early stopping stands. */
export interface Standing {
  /** the epoch whose parameters are kept, from 1, 0 before the first; and its bias */
  kept: number;
  w0: number;
  /** the best judged value; null before the first */
  value: number | null;
  /** the last epoch that was better by more than minDelta, and its value */
  mark: number;
  markValue: number | null;
}

export interface TrainingControls {
  judge?: Judge;
  /** what the optimizer keeps goes with the model */
  keepsState?: boolean;
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
