// The command line: parses and runs commands, and returns exit codes.

import { Command, CommanderError } from "commander";
import { visibleText } from "../../base/errors.js";
import { hideUncommon } from "../../options/commander-flags.js";
import { version } from "../../base/io/package-version.js";
import { addCommand } from "./add-command.js";
import { asHelpFlag, commandNamed, formatNamed, HELP_ALL } from "./arguments.js";
import type { CommandEntry } from "./command-spec.js";
import { commands } from "./commands.js";
import { Interrupted, type Interrupts } from "./interrupts.js";
import { reportError } from "./report-error.js";
import { refusalText, unknownCommand } from "./refusals.js";
import { addConfigOption, applySettings } from "./settings.js";
import { topics } from "./topics.js";
import { standardError, writeError, writeText } from "./terminal.js";

/** Width that is assumed for a terminal of unknown width, and a width at which no line of help is wrapped. */
const [USUAL, UNWRAPPED] = [80, 10_000];

/** Runs the program. @returns the exit code */
export async function runProgram(given: string[], interrupts: Interrupts): Promise<number> {
  const argv = asHelpFlag(given, (word) => commands.some((one) => one.name === word));
  const name = commandNamed(argv);
  const isNamed = (one: CommandEntry) => one.name === name;
  const entry = commands.find(isNamed);
  if (name !== undefined && !entry) {
    writeError(unknownCommand(name, commands), formatNamed(argv));
    return 64;
  }
  if (entry?.keeps !== undefined) interrupts.keeps(entry.keeps);
  const program = await programOf(interrupts, isNamed);
  if (!argv.includes(HELP_ALL)) for (const command of program.commands) hideUncommon(command, HELP_ALL);
  try {
    const everyCommand = async () => (await programOf(interrupts, () => true)).commands;
    await applySettings(program, everyCommand, argv, process.env);
    await program.parseAsync(argv.map((word) => (word === HELP_ALL ? "--help" : word)));
    return interrupts.exitCode ?? 0;
  } catch (error) {
    const isJson = program.commands.some((command) => command.opts()["logFormat"] === "json");
    const format = isJson ? "json" : formatNamed(argv);
    if (!(error instanceof CommanderError)) return report(error, interrupts.signal, format);
    if (error.exitCode === 0) return 0;
    const command = program.commands.find((one) => one.name() === name);
    writeError(refusalText(error, command, argv.slice(3)), format);
    return 64;
  }
}

/** Creates the program. Commands for which `isWanted` is false have only a name and a summary. */
async function programOf(
  interrupts: Interrupts,
  isWanted: (entry: CommandEntry) => boolean,
): Promise<Command> {
  const program = new Command("embed")
    .description("Turns interaction logs into embedding tables, offline.")
    .version(version, "-V, --version")
    .helpOption("-h, --help", "show this help")
    .helpCommand(false)
    .configureOutput({
      // if the output is not a terminal, each option is on one line, so that grep finds it
      getOutHelpWidth: () => widthOf(process.stdout),
      getErrHelpWidth: () => widthOf(standardError()),
      writeErr: (text) => writeText(visibleText(text)),
      // commander must not print the error, because the program prints it in the form of its other errors
      outputError: () => undefined,
    })
    .configureHelp({ showGlobalOptions: false })
    .exitOverride();
  for (const entry of commands) {
    if (!isWanted(entry)) {
      program.command(entry.name).summary(entry.summary).helpGroup(entry.stage);
      continue;
    }
    const command = addCommand(program, entry.name, await entry.load(), interrupts);
    addConfigOption(command);
    command.exitOverride();
  }
  const subjects = topics.map(({ name, summary }) => `\n  embed help ${name.padEnd(12)}${summary}`).join("");
  program.addHelpText(
    "after",
    "\nExample:\n  embed train-fm fixtures/clicks.csv -o run --valid 10% --test 10%\n  embed neighbors run " +
      `--key item:tea-03\n\nTopics:${subjects}`,
  );
  return program;
}

function widthOf({ isTTY, columns }: Pick<typeof process.stdout, "isTTY" | "columns">): number {
  // some pseudo-terminals report 0 columns
  return isTTY ? columns || USUAL : UNWRAPPED;
}

function report(error: unknown, signal: AbortSignal, format: "text" | "json"): number {
  if (signal.aborted && signal.reason instanceof Interrupted) return signal.reason.exitCode;
  return reportError(error, format);
}
