// The wall-clock budget of a comparison, in which time is reserved for measuring and writing the page. A training that
// runs when the other time is used up is asked to stop with its best epoch.

import type { Watch } from "../../training/session/watch.js";

/** Reason with which a training is aborted if it has no epoch to keep when the budget is used up. */
class BudgetSpent extends Error {}

/** Minimum share of the budget that is reserved for measuring and writing the page. */
const KEPT = 0.1;

/** The time budget of `embed compare`, which starts to run when the object is constructed. */
export class Budget {
  readonly #end: number;
  #kept: number;
  #finishing = 0;

  /** Starts the clock of the budget. @param milliseconds at most 2^31 - 1, the longest time that a timer takes */
  constructor(readonly milliseconds: number) {
    this.#end = performance.now() + milliseconds;
    this.#kept = KEPT * milliseconds;
  }

  /** Returns the milliseconds that are left for training. */
  get left(): number {
    return Math.max(0, this.whole - this.#kept);
  }

  get whole(): number {
    return Math.max(0, this.#end - performance.now());
  }

  /**
   * Updates the reserved time from estimates of the work after the trainings.
   *
   * @param measuring ms for measuring and writing the page
   * @param finishing ms that a training needs to end once it is asked to
   */
  expect(measuring: number, finishing: number): void {
    // reserves at most half of the budget, since the estimate may be too high
    this.#kept = Math.min(Math.max(KEPT * this.milliseconds, measuring), this.milliseconds / 2);
    this.#finishing = finishing;
  }

  /**
   * Runs a training in the time that is left. When it is used up, the training is asked to finish with its best epoch,
   * or aborted if no epoch has ended. A training whose epochs have ended may still write its run.
   *
   * @returns undefined if the training was aborted
   */
  async run<T>({ observe, signal }: Watch, train: (watch: Watch) => Promise<T>): Promise<T | undefined> {
    const abort = new AbortController();
    const pass = () => abort.abort(signal.reason);
    if (signal.aborted) pass();
    signal.addEventListener("abort", pass);
    let [isOver, isEnding] = [false, false];
    let finish: (() => void) | undefined;
    const timer = setTimeout(
      () => {
        isOver = true;
        if (finish) finish();
        else if (!isEnding) abort.abort(new BudgetSpent());
      },
      Math.max(0, this.left - this.#finishing),
    );
    const finishInstead: Watch["finishInstead"] = (offered) => {
      finish = offered;
      if (isOver) offered();
      return () => {
        finish = undefined;
        isEnding = true;
      };
    };
    try {
      return await train({ observe, signal: abort.signal, finishInstead, timeLeft: () => this.left });
    } catch (error) {
      if (!(abort.signal.reason instanceof BudgetSpent) || signal.aborted) throw error;
      return undefined;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", pass);
    }
  }
}
