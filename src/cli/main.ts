// The command line: commands, and how errors, signals and closed pipes end the program.

import { Command, CommanderError } from "commander";
import { EmbedError, visibleText } from "../errors.js";
import { version } from "../io/package-version.js";
import { commands, type CommandEntry } from "./commands.js";
import { Interrupted, Interrupts } from "./interrupts.js";
import { addConfigOption, applySettings } from "./settings.js";
import { writeError } from "./terminal.js";

/** Runs the program on the arguments of the process; sets its exit code. */
export async function main(argv: string[]): Promise<void> {
  const interrupts = new Interrupts();
  // a reader that has seen enough (head) closes the pipe: that is no error
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    writeError(`writing to standard output failed: ${error.message}`);
    process.exit(74);
  });
  process.stderr.on("error", () => undefined);

  // the first word that is no flag: the program itself has no flag with a value
  const name = argv.slice(2).find((word) => !word.startsWith("-"));
  const isNamed = (entry: CommandEntry) => entry.name === name;
  const program = await programOf(interrupts, isNamed);
  if (formatNamed(argv) === "json") {
    const asJson = { writeErr: (text: string) => text.trim() !== "" && writeError(text.trim(), "json") };
    for (const command of [program, ...program.commands]) command.configureOutput(asJson);
  }
  try {
    const scratch = await programOf(interrupts, isNamed);
    const everyCommand = async () => (await programOf(interrupts, () => true)).commands;
    await applySettings(program, scratch, everyCommand, argv, process.env);
    await program.parseAsync(argv);
    if (interrupts.exitCode !== undefined) process.exitCode = interrupts.exitCode;
  } catch (error) {
    const isTold = program.commands.some((command) => command.opts()["logFormat"] === "json");
    process.exitCode = report(error, interrupts.signal, isTold ? "json" : formatNamed(argv));
  }
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
    .configureOutput({ writeErr: (text) => process.stderr.write(visibleText(text)) })
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

/** What --log-format says, also on a command line that cannot be parsed. */
function formatNamed(argv: readonly string[]): "text" | "json" {
  return /(^| )--log-format[= ]json( |$)/.test(argv.join(" ")) ? "json" : "text";
}

/** Says what went wrong; returns the exit code. */
function report(error: unknown, signal: AbortSignal, format: "text" | "json"): number {
  if (signal.aborted && signal.reason instanceof Interrupted) return signal.reason.exitCode;
  // commander has printed its own message
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 64;
  if (error instanceof EmbedError) {
    writeError(error.message, format);
    return error.exitCode;
  }
  writeError(`this is a bug of embed ${version}; please report it with the command that shows it`, format);
  writeError(error instanceof Error ? (error.stack ?? error.message) : String(error), format);
  return 70;
}
