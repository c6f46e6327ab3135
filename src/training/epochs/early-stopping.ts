// Early stopping: which epoch is the best, which is kept, and when training stops.

import type { FeatureRows } from "../../dataset/rows.js";

/** The metric that early stopping uses in place of the validation loss. */
export interface StoppingMetric {
  /** name in metrics.jsonl */
  name: string;
  better: "lower" | "higher";
  /**
   * Computes the metric.
   * @param scores f32: before any link, in the label's unit
   * @param rows with labels and weights
   */
  of(scores: Float32Array, rows: FeatureRows): number;
}

/** State of early stopping. */
export interface Standing {
  /** the epoch whose parameters are kept, counted from 1; 0 before the first, and while no epoch beats `toBeat` */
  kept: number;
  /** the best value of the stopping metric; null before the first validation */
  value: number | null;
  /**
   * the last value that was better by more than minDelta (null before the first validation), and the validations since
   */
  mark: number | null;
  waited: number;
}

/**
 * Returns the state before the first epoch.
 * @param toBeat the initial parameters' value of the metric, if it is known
 */
export function firstStanding(toBeat: number | null = null): Standing {
  return { kept: 0, value: toBeat, mark: toBeat, waited: 0 };
}

/** Tracks the stopping metric from one validation to the next. */
export class EarlyStopping {
  #standing: Standing;
  readonly #sign: number;
  readonly #minDelta: number;

  /**
   * @param better whether lower or higher values are better
   * @param minDelta smallest improvement that resets the patience
   */
  constructor(better: "lower" | "higher", minDelta: number, standing = firstStanding()) {
    // multiplying by #sign makes lower values better
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

  /** Records the epoch whose parameters are kept. */
  keep(epoch: number): void {
    this.#standing.kept = epoch;
  }

  /** Validations since the last improvement by more than minDelta. */
  get waited(): number {
    return this.#standing.waited;
  }
}
