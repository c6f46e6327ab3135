// Rounds of work that the calling thread and idle ones share: each takes the next round until none is left.
//
//   shareRounds ──► calling thread: run(0), run(2), run(3), ...
//               └─► idle thread:            run(1), run(4), ...
//
// The calling thread does not wait for others to begin: where no thread is ready, it does all rounds. Which thread does which round
// is left to chance, so each must write to places of its own, in arrays that are in shared memory. A round is done again
// where it failed on another thread.

import { types } from "node:util";
import { helpers } from "./idle.js";
import { threadEnded } from "./thread-ended.js";

/** What a module of rounds exports as `start`: it receives what the rounds work on, and returns what one of them does. */
export type StartRounds<Init> = (init: Init) => (round: number) => void;

/** What an idle thread is sent. */
export interface SharedRounds {
  url: string;
  init: unknown;
  numRounds: number;
  /** i32[3]: the next round, rounds that have ended, and 1 when one of them failed */
  state: Int32Array;
}

const [NEXT, ENDED, FAILED] = [0, 1, 2];

/** Milliseconds without the end of a round, each of which takes less than a second, after which a thread is taken to have ended. */
const PATIENCE = 300_000;

/**
 * Runs rounds 0 to numRounds - 1, in any order, and returns when all have ended.
 *
 * @param url    of the module that exports `start`
 * @param init   is copied to other threads but for its arrays in shared memory
 * @param arrays those of init that are too large to copy: the calling thread is alone unless they are in shared memory
 * @param patience milliseconds that the others' last rounds may take: the end of a thread is not seen by a thread that waits
 * @throws what a round throws
 * @throws {IoError} another thread does not end its round
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
  for (let ended = state[ENDED]!; ended < numRounds; ended = Atomics.load(state, ENDED))
    if (Atomics.wait(state, ENDED, ended, patience) === "timed-out") throw threadEnded();
  // an error is met again here, with its class
  if (state[FAILED] === 1) for (let round = 0; round < numRounds; round++) run(round);
}

/** Whether all arrays are in memory that threads share. */
export function areShared(arrays: readonly ArrayBufferView[]): boolean {
  return arrays.every(({ buffer }) => types.isSharedArrayBuffer(buffer));
}

/** Does rounds that others have left, on a thread that was sent them. */
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
