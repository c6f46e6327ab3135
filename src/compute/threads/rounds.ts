// Shares the rounds of a computation between the calling thread and idle threads: each thread takes the next round
// until none is left.
//
//   shareRounds ──► calling thread: run(0), run(2), run(3), ...
//               └─► idle thread:            run(1), run(4), ...
//
// The calling thread does not wait for helpers; without any, it executes all rounds. Which thread executes which round
// is random, so each round must write to its own places, in shared memory. If a round fails on another thread, all
// rounds are executed again on the calling one.

import { types } from "node:util";
import { helpers } from "./idle.js";
import { threadEnded } from "./process-limits.js";

/** What a module exports as `start`, if it computes something in rounds: returns the function that executes a round. */
export type StartRounds<Init> = (init: Init) => (round: number) => void;

export interface SharedRounds {
  url: string;
  init: unknown;
  numRounds: number;
  /** i32[3]: number of the next round, number of completed rounds, and 1 if a round failed */
  state: Int32Array;
}

const [NEXT, ENDED, FAILED] = [0, 1, 2];

/** Milliseconds without a completed round before a thread is assumed dead; a round takes less than a second. */
const PATIENCE = 300_000;

/**
 * Executes rounds 0 to numRounds - 1, in any order, and returns when all are completed.
 *
 * @param url address of the module that exports `start`
 * @param init data that is copied to other threads, except for arrays in shared memory
 * @param arrays    large arrays of `init`; unless they are in shared memory, no other thread helps
 * @param patience milliseconds without a completed round before an error; a waiting thread is not notified of another's
 * end
 * @throws the error of a round
 * @throws {IoError} another thread does not complete its round
 */
export function shareRounds<Init>(
  url: URL,
  start: StartRounds<Init>,
  init: Init,
  numRounds: number,
  arrays: readonly ArrayBufferView[],
  patience = PATIENCE,
): void {
  const state = new Int32Array(new SharedArrayBuffer(12));
  const shared: SharedRounds = { url: url.href, init, numRounds, state };
  for (const thread of areShared(arrays) ? helpers(numRounds - 1) : [])
    thread.postMessage({ rounds: shared });
  const run = start(init);
  takeRounds(shared, run);
  for (let numEnded = state[ENDED]!; numEnded < numRounds; numEnded = Atomics.load(state, ENDED))
    if (Atomics.wait(state, ENDED, numEnded, patience) === "timed-out") throw threadEnded();
  // executes all rounds again on this thread, so that the error is thrown with its class
  if (state[FAILED] === 1) for (let round = 0; round < numRounds; round++) run(round);
}

export function areShared(arrays: readonly ArrayBufferView[]): boolean {
  return arrays.every(({ buffer }) => types.isSharedArrayBuffer(buffer));
}

/** Executes rounds on a thread that helps, until none is left. */
export async function helpWith(shared: SharedRounds): Promise<void> {
  if (Atomics.load(shared.state, NEXT) >= shared.numRounds) return;
  const { start }: { start: StartRounds<unknown> } = await import(shared.url);
  let run: ReturnType<typeof start> | undefined;
  takeRounds(shared, (round) => {
    try {
      (run ??= start(shared.init))(round);
    } catch {
      Atomics.store(shared.state, FAILED, 1);
    }
  });
}

function takeRounds({ numRounds, state }: SharedRounds, run: (round: number) => void): void {
  for (;;) {
    const round = Atomics.add(state, NEXT, 1);
    if (round >= numRounds) return;
    run(round);
    Atomics.add(state, ENDED, 1);
    Atomics.notify(state, ENDED);
  }
}
