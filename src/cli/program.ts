// The command line: commands, and the exit codes of errors.

import { Command, CommanderError } from "commander";
import { visibleText } from "../errors.js";
import { TableOption } from "../flags/table-option.js";
import { version } from "../io/package-version.js";
import { commandNamed, formatNamed, HELP_ALL } from "./arguments.js";
import { commands, type CommandEntry } from "./commands.js";
import { Interrupted, type Interrupts } from "./interrupts.js";
import { reportError } from "./report-error.js";
import { addConfigOption, applySettings } from "./settings.js";
import { writeError, writeText } from "./terminal.js";

/** Runs the program on its arguments. @returns the exit code */
export async function runProgram(argv: string[], interrupts: Interrupts): Promise<number> {
  const name = commandNamed(argv);
  const isNamed = (entry: CommandEntry) => entry.name === name;
  const program = await programOf(interrupts, isNamed);
  if (!argv.includes(HELP_ALL)) for (const command of program.commands) showCommon(command);
  if (formatNamed(argv) === "json") {
    const asJson = { writeErr: (text: string) => text.trim() !== "" && writeError(text.trim(), "json") };
    for (const command of [program, ...program.commands]) command.configureOutput(asJson);
  }
  try {
    const scratch = await programOf(interrupts, isNamed);
    const everyCommand = async () => (await programOf(interrupts, () => true)).commands;
    await applySettings(program, scratch, everyCommand, argv, process.env);
    await program.parseAsync(argv.map((word) => (word === HELP_ALL ? "--help" : word)));
    return interrupts.exitCode ?? 0;
  } catch (error) {
    const isTold = program.commands.some((command) => command.opts()["logFormat"] === "json");
    return report(error, interrupts.signal, isTold ? "json" : formatNamed(argv));
  }
}

/** Leaves the less common options of a table to --help-all. */
function showCommon(command: Command): void {
  const others = command.options.filter((option) => option instanceof TableOption && !option.declared.common);
  if (!command.options.some((option) => option instanceof TableOption && option.declared.common)) return;
  for (const option of others) option.hideHelp();
  command.addHelpText(
    "after",
    `\n${others.length} more options, for special cases: embed ${command.name()} ${HELP_ALL}`,
  );
}

/** The program with the commands of `isWanted`; the others stand there by name and summary alone. */
async function programOf(
  interrupts: Interrupts,
  isWanted: (entry: CommandEntry) => boolean,
): Promise<Command> {
  const program = new Command("embed")
    .description("Turns interaction logs into embedding tables, offline.")
    .version(version, "-V, --version")
    .helpOption("-h, --help", "show this help; `embed COMMAND --help` shows a command's")
    .helpCommand(false)
    .configureOutput({ writeErr: (text) => writeText(visibleText(text)) })
    .configureHelp({ showGlobalOptions: false })
    .exitOverride();
  for (const entry of commands) {
    if (!isWanted(entry)) {
      program.command(entry.name).summary(entry.summary);
      continue;
    }
    const add = await entry.load();
    const command = add(program, interrupts.signal, interrupts);
    addConfigOption(command);
    command.exitOverride().showHelpAfterError(`(embed ${command.name()} --help shows the options)`);
  }
  program.addHelpText(
    "after",
    "\nExample:\n  embed train-fm fixtures/clicks.csv -o run --valid 0.1 --test 0.1\n  embed neighbors run --key item:tea-03",
  );
  return program;
}

/** Says what went wrong; returns the exit code. */
function report(error: unknown, signal: AbortSignal, format: "text" | "json"): number {
  if (signal.aborted && signal.reason instanceof Interrupted) return signal.reason.exitCode;
  // commander has printed its own message
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 64;
  return reportError(error, format);
}
