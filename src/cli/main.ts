// The main thread of the program: it starts the command on a thread of its own, passes its streams on, and takes the signals.
// Why: docs/decisions/0013-commands-on-a-thread.md.

import { formatNamed, isForHelp } from "./arguments.js";
import { CommandThread } from "./command-thread.js";
import { reportError } from "./report-error.js";
import { writeError } from "./terminal.js";

/** Runs the program on the arguments of the process; sets its exit code. */
export async function main(argv: string[]): Promise<void> {
  let end = (exitCode: number): unknown => process.exit(exitCode);
  // a reader that has seen enough (head) closes the pipe: that is no error
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return end(0);
    writeError(`writing to standard output failed: ${error.message}`);
    return end(74);
  });
  process.stderr.on("error", () => undefined);

  try {
    if (isForHelp(argv)) {
      const [{ runProgram }, { Interrupts }] = await Promise.all([
        import("./program.js"),
        import("./interrupts.js"),
      ]);
      process.exitCode = await runProgram(argv, new Interrupts());
      return;
    }
    const command = new CommandThread(argv);
    end = (exitCode) => command.endNow(exitCode);
    process.exitCode = await command.ended;
  } catch (error) {
    process.exitCode = reportError(error, formatNamed(argv));
  }
}
