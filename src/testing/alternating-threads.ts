// Chooses a different number of threads for each piece of work, so that tests show whether results depend on it.

import type { Choice } from "../compute/threads/thread-choice.js";

/**
 * Returns a choice of thread counts: `most` threads for the first piece of work, then 1, 2, 3, ... `most`, 1, 2, ...
 * for the next pieces.
 */
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
