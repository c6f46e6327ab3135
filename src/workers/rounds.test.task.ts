// The module of rounds in the tests.

import { threadId } from "node:worker_threads";

/** State of the rounds, in shared memory. */
export interface Init {
  /** i32[numRounds]: how many times each round was executed */
  done: Int32Array;
  /** i32[numRounds]: the thread that executed it last */
  by: Int32Array;
  /** id of the calling thread */
  caller: number;
  /** i32[1]: rounds on the calling thread wait until it is not 0; every round sets it to 1 */
  helped: Int32Array;
  /** whether every round on another thread fails */
  fails: boolean;
  /** whether the first round on another thread waits until `helped` is 2 */
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
