// The command line: commands, and how errors, signals and closed pipes end the program.

import { Command, CommanderError } from "commander";
import { EmbedError } from "../errors.js";
import { version } from "../io/package-version.js";
import { addAlign } from "./commands/align.js";
import { addDiff } from "./commands/diff.js";
import { addEncode } from "./commands/encode.js";
import { addEvaluate } from "./commands/evaluate.js";
import { addExport } from "./commands/export.js";
import { addGate } from "./commands/gate.js";
import { addImport } from "./commands/import.js";
import { addInspect } from "./commands/inspect.js";
import { addNeighbors } from "./commands/neighbors.js";
import { addForget } from "./commands/forget.js";
import { addReport } from "./commands/report.js";
import { addGc } from "./commands/gc.js";
import { addLs } from "./commands/ls.js";
import { addPublish } from "./commands/publish.js";
import { addRollback } from "./commands/rollback.js";
import { addTrainFm } from "./commands/train-fm.js";
import { Interrupted, Interrupts } from "./interrupts.js";
import { addTrainGbdt } from "./commands/train-gbdt.js";
import { addTrainNet } from "./commands/train-net.js";
import { addTrainPca } from "./commands/train-pca.js";
import { addTransform } from "./commands/transform.js";
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

  const program = programOf(interrupts);
  if (formatNamed(argv) === "json") {
    const asJson = { writeErr: (text: string) => text.trim() !== "" && writeError(text.trim(), "json") };
    for (const command of [program, ...program.commands]) command.configureOutput(asJson);
  }
  try {
    await applySettings(program, programOf(interrupts), argv, process.env);
    await program.parseAsync(argv);
    if (interrupts.exitCode !== undefined) process.exitCode = interrupts.exitCode;
  } catch (error) {
    const isTold = program.commands.some((command) => command.opts()["logFormat"] === "json");
    process.exitCode = report(error, interrupts.signal, isTold ? "json" : formatNamed(argv));
  }
}

function programOf(interrupts: Interrupts): Command {
  const program = new Command("embed")
    .description("Turns interaction logs into embedding tables, offline.")
    .version(version, "-V, --version")
    .helpOption("-h, --help", "show this help; `embed COMMAND --help` shows a command's")
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: false })
    .exitOverride();
  for (const add of [
    addInspect,
    addEncode,
    addTrainFm,
    addTrainGbdt,
    addTrainPca,
    addTrainNet,
    addTransform,
    addImport,
    addExport,
    addNeighbors,
    addEvaluate,
    addDiff,
    addReport,
    addPublish,
    addRollback,
    addLs,
    addGc,
    addForget,
    addGate,
    addAlign,
  ]) {
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
