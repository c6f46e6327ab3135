import { Worker } from "node:worker_threads";
import { checkAddresses, COMMAND_ADDRESSES } from "../../compute/threads/process-limits.js";
import type { CommandHost } from "./command-thread.js";
import type { CommandStart } from "./signals.js";

export function startThread(argv: string[]): CommandHost {
  checkAddresses(1, undefined, COMMAND_ADDRESSES);
  const start: CommandStart = { argv };
  return new Worker(new URL("./command.worker.js", import.meta.url), {
    workerData: start,
    stdin: true,
    // if `stdout` were false, Node would open the streams of the process before it starts the thread
    stdout: true,
    stderr: true,
  });
}
