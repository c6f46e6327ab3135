// The script of each thread of a pool: imports the task module, starts it, and executes tasks, then serves the next
// pool. While a thread is idle, it executes rounds of computations that the calling thread shares (rounds.ts).

import { parentPort } from "node:worker_threads";
import type { StartTask, ThreadReply, ThreadRequest } from "./pool.js";
import { collectGarbage } from "./garbage.js";
import { helpWith } from "./rounds.js";

const port = parentPort!;
let run: ((task: unknown) => unknown) | undefined;

port.on("message", (request: ThreadRequest<unknown>) => {
  void answer(request).then((reply) => {
    if (!reply) return;
    port.postMessage(reply);
    // collects garbage now, because the shared memory of the pool that was left would otherwise stay allocated; nobody
    // waits for this
    if ("left" in reply) collectGarbage();
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
      run = undefined;
      return { left: true };
    }
    const { start }: { start: StartTask<unknown, unknown, unknown> } = await import(request.url);
    run = await start(request.init, request.index);
    return { ready: true };
  } catch (error) {
    return { error };
  }
}
