// The task module that the tests of the pool execute.

import { threadId } from "node:worker_threads";

/** Called once in each thread of the pool, with a shared array on which tasks wait. */
export function start(shared: Int32Array, index: number): (task: string) => string {
  return (task) => {
    if (task === "throw in thread 1, wait in the others") {
      if (index === 1) throw new RangeError("thread 1 is out of range");
      Atomics.wait(shared, 0, 0);
    }
    if (task === "which") return String(threadId);
    if (task === "spin") for (;;) Atomics.load(shared, 0);
    return `${task} ${index}`;
  };
}
