// What runs in each thread of a pool: imports the task module, starts it, and answers tasks.

import { parentPort, workerData } from "node:worker_threads";
import type { StartTask, ThreadData, ThreadReply } from "./pool.js";

const { url, init, index }: ThreadData = workerData;
const port = parentPort!;
const { start }: { start: StartTask<unknown, unknown, unknown> } = await import(url);
const run = await start(init, index);

port.on("message", (task: unknown) => {
  let reply: ThreadReply<unknown>;
  try {
    reply = { result: run(task) };
  } catch (error) {
    reply = { error };
  }
  port.postMessage(reply);
});
port.postMessage({ ready: true } satisfies ThreadReply<unknown>);
