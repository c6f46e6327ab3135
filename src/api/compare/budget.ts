// The wall-clock time of a comparison's trainings: who is running when it is over ends with what it has.

import type { Watch } from "../../training/session/watch.js";

/** Why a training was aborted: its best epoch would be kept, and it had none yet. */
class BudgetSpent extends Error {}

/** Time from now on. */
export class Budget {
  readonly #end: number;

  /** @param milliseconds at most what a timer takes, 2^31 - 1 */
  constructor(readonly milliseconds: number) {
    this.#end = performance.now() + milliseconds;
  }

  /** Milliseconds. */
  get left(): number {
    return Math.max(0, this.#end - performance.now());
  }

  /**
   * Does a training in the time that is left.
   *
   * When it is over, the training is asked to finish with its best epoch; one that has none yet is aborted. One whose epochs are done is
   * left to write its run.
   *
   * @returns undefined for a training that was aborted
   * @throws what the training throws
   */
  async run<T>({ observe, signal }: Watch, train: (watch: Watch) => Promise<T>): Promise<T | undefined> {
    const abort = new AbortController();
    const pass = () => abort.abort(signal.reason);
    if (signal.aborted) pass();
    signal.addEventListener("abort", pass);
    let [isOver, isEnding] = [false, false];
    let finish: (() => void) | undefined;
    const timer = setTimeout(() => {
      isOver = true;
      if (finish) finish();
      else if (!isEnding) abort.abort(new BudgetSpent());
    }, this.left);
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
