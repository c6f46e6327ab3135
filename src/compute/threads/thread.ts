// The script of each thread of a pool: imports the task module, starts it, and executes tasks, then serves the next
// pool. While a thread is idle, it executes rounds of computations that the calling thread shares (rounds.ts).

import { parentPort } from "node:worker_threads";
import type { ThreadInit } from "./kernel-thread.js";
import type { StartTask, ThreadReply, ThreadRequest } from "./pool.js";
import { collectGarbage } from "./idle.js";
import { helpWith } from "./rounds.js";

/** Bytes of shared memory that pools have left; above this, the thread collects garbage. */
const MOST_LEFT = 64 * 2 ** 20;

const port = parentPort!;
let run: ((task: unknown) => unknown) | undefined;
/** of the pool that the thread serves, if it serves one and the pool has a memory */
let memory: WebAssembly.Memory | undefined;
/** Bytes of the memories of pools that the thread has left since it last collected garbage. */
let leftBytes = 0;

port.on("message", (request: ThreadRequest<unknown>) => {
  void answer(request).then((reply) => {
    if (!reply) return;
    port.postMessage(reply);
    if ("left" in reply) freeLeftMemory();
  });
});

async function answer(request: ThreadRequest<unknown>): Promise<ThreadReply<unknown> | undefined> {
  try {
    if ("rounds" in request) {
      await helpWith(request.rounds);
      return undefined;
    }
    if ("task" in request) return { result: run!(request.task) };
    if ("leave" in request) {
      leftBytes += memory?.buffer.byteLength ?? 0;
      [run, memory] = [undefined, undefined];
      return { left: true };
    }
    const { start }: { start: StartTask<unknown, unknown, unknown> } = await import(request.url);
    ({ memory } = request.init as Partial<ThreadInit<unknown>>);
    run = await start(request.init, request.index);
    return { ready: true };
  } catch (error) {
    return { error };
  }
}

/**
 * Collects garbage if the memories of the pools that were left are large, because they would otherwise stay allocated.
 * Does not collect after each pool, because a collection takes as long as a short training.
 */
function freeLeftMemory(): void {
  if (leftBytes < MOST_LEFT) return;
  leftBytes = 0;
  collectGarbage();
}
