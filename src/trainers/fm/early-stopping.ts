// Early stopping: which epoch is kept, and when no better one is waited for any longer.

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
    this.#standing = standing ?? { best: 0, value: 0, w0: 0, mark: 0, markValue: 0 };
  }

  get standing(): Standing {
    return { ...this.#standing };
  }

  /** Whether an epoch is to be kept: it is better than all before, or there is no value to compare. */
  isBest(value: number | undefined): boolean {
    const { best } = this.#standing;
    return best === 0 || value === undefined || this.#sign * value < this.#sign * this.#standing.value;
  }

  /** Keeps an epoch. */
  keep(epoch: number, value: number | undefined, w0: number): void {
    const standing = { ...this.#standing, best: epoch, value: value ?? 0, w0 };
    const isMark =
      standing.mark === 0 ||
      value === undefined ||
      this.#sign * value < this.#sign * standing.markValue - this.#minDelta;
    if (isMark) [standing.mark, standing.markValue] = [epoch, value ?? 0];
    this.#standing = standing;
  }

  /** Epochs since the last that was better by more than minDelta. */
  waited(epoch: number): number {
    return epoch - this.#standing.mark;
  }
}
