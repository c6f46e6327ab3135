// Runs command lines of the program in this process, for tests of many short ones: starting a process for each would
// take longer.

import { Writable } from "node:stream";
import { Command, CommanderError } from "commander";
import { addCommand } from "../faces/cli/add-command.js";
import { commands } from "../faces/cli/commands.js";
import { Interrupts } from "../faces/cli/interrupts.js";
import { EmbedError } from "../base/errors.js";

/** The outcome of a command line: the exit code that the program would return, and the message of the error. */
export interface LineOutcome {
  code: number;
  message: string;
}

/** Returns a function that runs command lines one after another without printing. Call it at the top of a test file. */
export function commandLines(): (line: string) => Promise<LineOutcome> {
  const interrupts = withoutListeners();
  const streams = ["stdout", "stderr"] as const;
  const own = streams.map((name) => Object.getOwnPropertyDescriptor(process, name)!);
  // jest gives tests a copy of `process`, so that only the output of tests is suppressed, and not jest's own
  beforeAll(() => {
    for (const name of streams) {
      const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
      Object.defineProperty(process, name, { value: sink, configurable: true, enumerable: true });
    }
  });
  afterAll(() => streams.forEach((name, i) => Object.defineProperty(process, name, own[i]!)));
  return async (line) => {
    const words = line.split(" ").filter((word) => word !== "");
    const entry = commands.find(({ name }) => name === words[0])!;
    const program = new Command("embed").exitOverride();
    const command = addCommand(program, entry.name, await entry.load(), interrupts).exitOverride();
    command.configureOutput({ writeErr: () => undefined });
    try {
      await program.parseAsync(words, { from: "user" });
      return { code: 0, message: "" };
    } catch (error) {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      if (error instanceof CommanderError) return { code: 64, message };
      return { code: error instanceof EmbedError ? error.exitCode : 70, message };
    }
  };
}

/** Creates an object that handles interrupts, and removes the signal handlers that it adds to the tests' process. */
function withoutListeners(): Interrupts {
  const signals = ["SIGINT", "SIGTERM"] as const;
  const before = new Map(signals.map((signal) => [signal, process.listeners(signal)]));
  const interrupts = new Interrupts();
  for (const signal of signals) {
    for (const listener of process.listeners(signal))
      if (!before.get(signal)!.includes(listener)) process.off(signal, listener);
  }
  return interrupts;
}
