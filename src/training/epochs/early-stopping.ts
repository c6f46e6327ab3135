// Early stopping: which epoch is best, which is kept, and when no better one is waited for any longer.

import type { FeatureRows } from "../../dataset/rows.js";

/** What early stopping goes by in place of the validation loss. */
export interface StoppingMetric {
  /** as metrics.jsonl names it */
  name: string;
  better: "lower" | "higher";
  /** @param scores f32: before any link, in the label's unit @param rows with their labels and weights */
  of(scores: Float32Array, rows: FeatureRows): number;
}

/** How early stopping stands. */
export interface Standing {
  /** the epoch whose parameters are kept, from 1; 0 before the first, and while none beats the value to beat */
  kept: number;
  /** the best value of the stopping metric; null before the first */
  value: number | null;
  /** the last value that was better by more than minDelta, and the looks since */
  mark: number | null;
  waited: number;
}

/** How it stands before the first epoch. @param toBeat the value of what a training starts from, where that has one */
export function firstStanding(toBeat: number | null = null): Standing {
  return { kept: 0, value: toBeat, mark: toBeat, waited: 0 };
}

/** Follows the validation part from look to look. */
export class EarlyStopping {
  #standing: Standing;
  readonly #sign: number;
  readonly #minDelta: number;

  /** @param better which of two values is @param minDelta what a look must be better by to count for patience */
  constructor(better: "lower" | "higher", minDelta: number, standing = firstStanding()) {
    // from here on lower is better
    this.#sign = better === "lower" ? 1 : -1;
    this.#minDelta = minDelta;
    this.#standing = { ...standing };
  }

  get standing(): Standing {
    return { ...this.#standing };
  }

  /** Takes the value of a look; whether none before was as good. */
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

  /** An epoch's parameters are the ones kept. */
  keep(epoch: number): void {
    this.#standing.kept = epoch;
  }

  /** Looks since the last that was better by more than minDelta. */
  get waited(): number {
    return this.#standing.waited;
  }
}
