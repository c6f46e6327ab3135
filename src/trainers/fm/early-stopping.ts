// Early stopping: which epoch is best, which is kept, and when no better one is waited for any longer.

import type { Judge, Standing } from "../controls.js";

/** Follows the validation part from epoch to epoch. */
export class EarlyStopping {
  #standing: Standing;
  readonly #sign: number;
  readonly #minDelta: number;

  /** @param better which of two values is @param minDelta what an epoch must be better by to count for patience */
  constructor(better: Judge["better"], minDelta: number, standing?: Standing) {
    // from here on lower is better
    this.#sign = better === "lower" ? 1 : -1;
    this.#minDelta = minDelta;
    this.#standing = standing ?? { kept: 0, w0: 0, value: null, mark: 0, markValue: null };
  }

  get standing(): Standing {
    return { ...this.#standing };
  }

  /** Takes an epoch's value; whether none before was as good. Without a value every epoch is the best so far. */
  see(epoch: number, value: number | undefined): boolean {
    const standing = this.#standing;
    if (value === undefined) return true;
    const signed = this.#sign * value;
    const isBest = standing.value === null || signed < this.#sign * standing.value;
    if (isBest) standing.value = value;
    if (standing.markValue === null || signed < this.#sign * standing.markValue - this.#minDelta)
      [standing.mark, standing.markValue] = [epoch, value];
    return isBest;
  }

  /** An epoch's parameters are the ones kept. */
  keep(epoch: number, w0: number): void {
    [this.#standing.kept, this.#standing.w0] = [epoch, w0];
  }

  /** Epochs since the last that was better by more than minDelta. */
  waited(epoch: number): number {
    return epoch - this.#standing.mark;
  }
}
