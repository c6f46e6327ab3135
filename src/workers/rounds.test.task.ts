// What the test of rounds runs in its threads.

import { threadId } from "node:worker_threads";

/** What the rounds work on, in shared memory. */
export interface Init {
  /** i32[numRounds]: how often each round was done */
  done: Int32Array;
  /** i32[numRounds]: the thread that did it last */
  by: Int32Array;
  /** the thread that calls */
  caller: number;
  /** i32[1]: rounds of the caller wait until it is 1; a round of another thread sets it */
  helped: Int32Array;
  /** every round of another thread fails */
  fails: boolean;
  /** the first round of another thread does not end before `helped` is 2 */
  hangs: boolean;
}

/** Called once in each thread. */
export function start({ done, by, caller, helped, fails, hangs }: Init): (round: number) => void {
  return (round) => {
    if (threadId === caller) Atomics.wait(helped, 0, 0, 10_000);
    Atomics.store(helped, 0, 1);
    Atomics.notify(helped, 0);
    // rounds of the caller wake it, too
    if (threadId !== caller && hangs) while (Atomics.load(helped, 0) !== 2) Atomics.wait(helped, 0, 1, 100);
    if (threadId !== caller && fails) throw new RangeError("fails elsewhere");
    done[round]!++;
    by[round] = threadId;
  };
}
