// Runs a command on its own thread. The thread behaves like a main thread, except that it receives signals from the
// main thread.

import { isatty, WriteStream } from "node:tty";
import { parentPort, workerData } from "node:worker_threads";
import { observeUnfinished } from "../../base/io/leftovers.js";
import { Interrupts } from "./interrupts.js";
import { runProgram } from "./program.js";
import { standardErrorIs, writeLinesBy } from "./terminal.js";
import type { CommandStart, FromCommand, SignalSent } from "./signals.js";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what command-thread.ts starts it with
const { argv } = workerData as CommandStart;
const port = parentPort!;
const tell = (message: FromCommand): void => port.postMessage(message);

process.argv = argv;
let readsStdin = false;
// the main thread reads standard input only if the command does, because a shell loop may read the same input
process.stdin.on("newListener", (event) => {
  if (readsStdin || (event !== "readable" && event !== "data")) return;
  readsStdin = true;
  tell({ readsStdin });
});
// a thread's own stream does not know that it ends in a terminal
process.stdout.isTTY = isatty(1);
if (isatty(2)) standardErrorIs(new WriteStream(2).unref().on("error", () => undefined));
writeLinesBy((text) => tell({ text }));
observeUnfinished((unfinished, isThere) => tell({ unfinished, isThere }));

const interrupts = new Interrupts(tell);
port.on("message", (sent: SignalSent) => interrupts.take(sent));
// waiting for signals must not keep the thread alive
port.unref();
void run();

async function run(): Promise<void> {
  process.exitCode = await runProgram(argv, interrupts);
  // standard input that is not read to its end keeps the thread alive
  if (readsStdin && !process.stdin.readableEnded) {
    await new Promise((resolve) => process.stdout.write("", resolve));
    process.exit();
  }
}
