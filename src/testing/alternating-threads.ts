// A number of threads that changes with every piece of work, so that nothing may depend on it.

import type { Choice } from "../workers/thread-choice.js";

/** Names most, 1, 2, ..., most, 1, ... threads, a piece each. */
export function alternating(most: number): Choice {
  let inUse = most;
  return {
    next: () => ({ threads: inUse, milliseconds: 0 }),
    took: () => void (inUse = (inUse % most) + 1),
    get inUse() {
      return inUse;
    },
  };
}
