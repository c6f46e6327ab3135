// A module that computes something in rounds (rounds.ts); rounds.test.ts executes it on several threads.

import { threadId } from "node:worker_threads";

/**
 * Input of the module's rounds. The arrays are in shared memory, so that rounds on any thread can record what they did.
 */
export interface Init {
  /** i32[numRounds]: number of times that each round was executed */
  done: Int32Array;
  /** i32[numRounds]: id of the thread that executed the round last */
  by: Int32Array;
  /** id of the thread that called shareRounds */
  caller: number;
  /** i32[1]: set to 1 by every round; rounds on the calling thread wait until it is not 0 */
  helped: Int32Array;
  /** if true, every round on a thread other than the calling one fails */
  fails: boolean;
  /** if true, the first round on a thread other than the calling one waits until `helped` is 2 */
  hangs: boolean;
}

/** Called once in each helping thread. */
export function start({ done, by, caller, helped, fails, hangs }: Init): (round: number) => void {
  return (round) => {
    if (threadId === caller) Atomics.wait(helped, 0, 0, 10_000);
    Atomics.store(helped, 0, 1);
    Atomics.notify(helped, 0);
    // a round on the calling thread also ends this wait, so its condition is checked again
    if (threadId !== caller && hangs) while (Atomics.load(helped, 0) !== 2) Atomics.wait(helped, 0, 1, 100);
    if (threadId !== caller && fails) throw new RangeError("fails elsewhere");
    done[round]!++;
    by[round] = threadId;
  };
}
