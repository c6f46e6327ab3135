// The thread of a command. It sees the program like the main thread does, except for signals, which the main thread
// passes on.

import { isatty, WriteStream } from "node:tty";
import { parentPort, workerData } from "node:worker_threads";
import { observeUnfinished } from "../io/leftovers.js";
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
// the main thread must not read input that nobody reads here, because a shell loop may read the same standard input
process.stdin.on("newListener", (event) => {
  if (readsStdin || (event !== "readable" && event !== "data")) return;
  readsStdin = true;
  tell({ readsStdin });
});
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
