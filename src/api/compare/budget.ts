// The wall-clock time of a comparison: a training that is running when the time for trainings is over ends with what it has, and
// the rest is for measuring and the page.

import type { Watch } from "../../training/session/watch.js";

/** Why a training was aborted: its best epoch would be kept, and it had none yet. */
class BudgetSpent extends Error {}

/** Share of the budget that is kept for measuring and the page, and more where that will take longer. */
const KEPT = 0.1;

/** Time from now on. */
export class Budget {
  readonly #end: number;
  #kept: number;
  #finishing = 0;

  /** @param milliseconds at most what a timer takes, 2^31 - 1 */
  constructor(readonly milliseconds: number) {
    this.#end = performance.now() + milliseconds;
    this.#kept = KEPT * milliseconds;
  }

  /** Milliseconds that are left for trainings. */
  get left(): number {
    return Math.max(0, this.whole - this.#kept);
  }

  /** Milliseconds that are left for all. */
  get whole(): number {
    return Math.max(0, this.#end - performance.now());
  }

  /**
   * Plans with what is known of the work after the trainings.
   *
   * @param measuring milliseconds that measuring and the page will take
   * @param finishing milliseconds that a training takes to end once it is asked to
   */
  expect(measuring: number, finishing: number): void {
    // a guess that is far off must not leave nothing for trainings
    this.#kept = Math.min(Math.max(KEPT * this.milliseconds, measuring), this.milliseconds / 2);
    this.#finishing = finishing;
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
