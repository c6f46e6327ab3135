// Early stopping: determines the best epoch, the epoch whose parameters are kept, and the end of the training.

import type { FeatureRows } from "../../dataset/rows.js";

/** Metric that early stopping uses in place of the validation loss. */
export interface StoppingMetric {
  /** name of the metric in metrics.jsonl */
  name: string;
  better: "lower" | "higher";
  /** @param scores f32: without a link function, in the label's unit @param rows with labels and weights */
  of(scores: Float32Array, rows: FeatureRows): number;
}

export interface Standing {
  /** epoch whose parameters are kept, from 1; 0 before the first epoch, and while no epoch is better than `toBeat` */
  kept: number;
  /** best value of the stopping metric; null before the first validation */
  value: number | null;
  /** last improvement by more than minDelta (null before the first validation), and validations since then */
  mark: number | null;
  waited: number;
}

/** Returns the state before the first epoch. @param toBeat metric of the initial parameters, if it is known */
export function firstStanding(toBeat: number | null = null): Standing {
  return { kept: 0, value: toBeat, mark: toBeat, waited: 0 };
}

export class EarlyStopping {
  #standing: Standing;
  readonly #sign: number;
  readonly #minDelta: number;

  /** @param minDelta minimum improvement that resets the patience */
  constructor(better: "lower" | "higher", minDelta: number, standing = firstStanding()) {
    // values are multiplied by #sign, after which lower values are better
    this.#sign = better === "lower" ? 1 : -1;
    this.#minDelta = minDelta;
    this.#standing = { ...standing };
  }

  get standing(): Standing {
    return { ...this.#standing };
  }

  /** Records the value of a validation; returns whether it is the best so far. */
  see(value: number): boolean {
    const standing = this.#standing;
    const signed = this.#sign * value;
    const isBest = standing.value === null || signed < this.#sign * standing.value;
    if (isBest) standing.value = value;
    standing.waited++;
    if (standing.mark === null || signed < this.#sign * standing.mark - this.#minDelta)
      [standing.mark, standing.waited] = [value, 0];
    return isBest;
  }

  keep(epoch: number): void {
    this.#standing.kept = epoch;
  }

  get waited(): number {
    return this.#standing.waited;
  }
}
