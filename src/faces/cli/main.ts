// The main thread of the program: starts the command on another thread, forwards its streams, and handles signals.
// Reasons: docs/decisions/0013-commands-on-a-thread.md.

import { formatNamed, isForHelp } from "./arguments.js";
import { CommandThread, type CommandHost } from "./command-thread.js";
import { isShort } from "./main-thread.js";
import { writeError } from "./terminal.js";

export async function main(argv: string[]): Promise<void> {
  let command: CommandThread | undefined;
  try {
    if (!isForHelp(argv)) command = new CommandThread(await placeFor(argv), argv);
    watchStreams((exitCode) => (command ? void command.endNow(exitCode) : process.exit(exitCode)));
    process.exitCode = await (command ? command.ended() : help(argv));
  } catch (error) {
    const { reportError } = await import("./report-error.js");
    process.exitCode = reportError(error, formatNamed(argv));
  }
}

/** Starts the command: on this thread if it is short, else on a new one, which starts while this one is set up. */
async function placeFor(argv: string[]): Promise<CommandHost> {
  if (await isShort(argv, process.env, process.execArgv)) {
    const { CommandHere } = await import("./command-here.js");
    return new CommandHere(argv);
  }
  const { startThread } = await import("./start-thread.js");
  return startThread(argv);
}

function watchStreams(end: (exitCode: number) => void): void {
  // a reader that stops early, such as head, closes the pipe; this is not an error
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return end(0);
    writeError(`writing to standard output failed: ${error.message}`);
    end(74);
  });
  process.stderr.on("error", () => undefined);
}

async function help(argv: string[]): Promise<number> {
  const [{ runProgram }, { Interrupts }] = await Promise.all([
    import("./program.js"),
    import("./interrupts.js"),
  ]);
  return await runProgram(argv, new Interrupts());
}
