// Calls a command from TypeScript, with the same flags, defaults and checks as on the command line, but without a
// terminal.
//
//   name, arguments, { option: value } ──► its flags, set as if typed ──► the command's function ──► its result
//
// Why: docs/decisions/0016-library-from-commands.md.

import { checkOutputPaths } from "../cli/output-paths.js";
import { Command, CommanderError } from "commander";
import { EmbedError, excerpt, IoError, UsageError } from "../../base/errors.js";
import { addCommand } from "../cli/add-command.js";
import type { CommandSpec } from "../cli/command-spec.js";
import { Interrupts } from "../cli/interrupts.js";
import { refusal } from "../cli/report-error.js";
import { checkGiven, checkRanges } from "../../options/check-given.js";
import { givenOf, type TableOption } from "../../options/commander-flags.js";
import { noSuchOption } from "../../options/table.js";
import type { TrainingSummary } from "../../training/session/summary.js";
import { trainers } from "../../trainers/index.js";
import { functions, specOf, type LibraryFunction } from "./functions.js";
import { checkWatching, watchedBy, watchingNames, type Watching } from "./watching.js";

/**
 * Trains by the name of a command, for programs that choose the trainer at run time.
 *
 * @param command as `embed help` lists them
 * @param log files or patterns, read as one log
 * @param options by the names of the command's flags, in camel case
 * @throws {UsageError} the trainer or an option does not exist, or options exclude each other
 * @throws {EmbedError} the error of the command
 */
export async function train(
  command: string,
  log: string | readonly string[],
  options: Readonly<Record<string, unknown>>,
  watch?: Watching,
): Promise<TrainingSummary> {
  const names = trainers.map((one) => one.command);
  const found = functions.find((one) => one.command === command);
  if (!found || !names.includes(command))
    throw new UsageError(`'${command}' is not a training command: expected one of ${names.join(", ")}`);
  return (await call(found.name, [log, options, watch])) as TrainingSummary;
}

/** Calls a function of the library. @param given arguments, options, and a Watching; the last ones may be omitted */
export async function call(name: string, given: readonly unknown[]): Promise<unknown> {
  const found = functions.find((one) => one.name === name)!;
  const command = await commandOf(found);
  const { words, options, watching } = argumentsOf(found, command, given);
  const spec = await specOf(found);
  setOptions(found, optionsOf(command, spec), command, options);
  checkNoNul(name, [words, options]);
  if (spec.writes) checkWrites(found, options, watching);
  // the result is stored in an object, because the promise that commander returns does not contain it
  const box: { result?: unknown } = {};
  await watchedBy(watching, options["onInterrupt"] === "save", async (watch) => {
    command.action(async (...parsed: unknown[]) => {
      const write = async (chunk: string | Uint8Array) => await watching.write!(chunk);
      const own = givenOf(command, spec.options);
      checkGiven(spec.options, own);
      const args = parsed.slice(0, -2) as string[];
      await checkOutputPaths(own, args, spec.options);
      box.result = await spec.call(args, own, { watch, write });
      await spec.verify?.(box.result, "library");
    });
    try {
      await command.parseAsync(["--", ...words], { from: "user" });
    } catch (error) {
      throw errorOf(found, error);
    }
  });
  return box.result;
}

/** Creates the commander command of a library function, with its flags; the command prints nothing. */
export async function commandOf(found: Pick<LibraryFunction, "command" | "spec">): Promise<Command> {
  const silent = () => undefined;
  return addCommand(new Command(), found.command, await specOf(found), new Interrupts())
    .exitOverride()
    .configureOutput({ writeOut: silent, writeErr: silent });
}

/** Returns the options that callers may set, by name, without options for terminals. */
export function optionsOf(
  command: Command,
  { options, without = [] }: CommandSpec,
): Map<string, TableOption> {
  const all = new Map<string, TableOption>();
  for (const option of command.options as TableOption[]) {
    const { optionName: name } = option;
    // `--no-NAME` sets the same option as `--NAME`
    if (Object.hasOwn(options, name) && !without.includes(name) && !all.has(name)) all.set(name, option);
  }
  return all;
}

interface Given {
  words: string[];
  options: Record<string, unknown>;
  watching: Watching;
}

/** Separates the arguments of a call from its options and a Watching, which may follow. @throws {UsageError} */
function argumentsOf({ name }: LibraryFunction, command: Command, given: readonly unknown[]): Given {
  const isOptions = (value: unknown) => typeof value === "object" && !Array.isArray(value);
  let count = 0;
  while (count < given.length && count < command.registeredArguments.length && !isOptions(given[count]))
    count++;
  const words = command.registeredArguments.flatMap((argument, i): string[] => {
    const value = i < count ? given[i] : undefined;
    if (value === undefined) return [];
    if (typeof value === "string") return [value];
    const isTexts = Array.isArray(value) && value.every((one) => typeof one === "string");
    if (argument.variadic && isTexts) return value as string[];
    throw new UsageError(
      `${name}: ${argument.name()} must be a text${argument.variadic ? " or a list of texts" : ""}, got ${JSON.stringify(value)}`,
    );
  });
  const [options = {}, watching = {}, ...rest] = given.slice(count);
  if (!isOptions(options) || options === null)
    throw new UsageError(`${name} takes its options as an object, got ${String(options)}`);
  checkWatching(name, watching);
  if (rest.length > 0)
    throw new UsageError(`${name} takes at most ${count + 2} arguments, got ${given.length}`);
  return { words, options: options as Given["options"], watching };
}

function setOptions(
  found: LibraryFunction,
  known: Map<string, TableOption>,
  command: Command,
  options: Given["options"],
): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const option = known.get(name);
    if (!option && watchingNames.includes(name))
      throw new UsageError(`${found.name}: pass '${name}' in the argument after the options, as { ${name} }`);
    if (!option) throw noSuchOption(found.name, name, known.keys());
    command.setOptionValueWithSource(name, optionValue(option, value), "cli");
  }
  for (const [name, { mandatory }] of known)
    if (mandatory && options[name] === undefined)
      throw new UsageError(`${found.name} needs the option '${name}'`);
}

/** Refuses NUL characters, which neither a command line nor a path can contain. @throws {UsageError} a text has one */
function checkNoNul(name: string, given: unknown): void {
  if (typeof given === "string" && given.includes("\0"))
    throw new UsageError(`${name}: ${excerpt(given)} contains NUL, which no path or option may contain`);
  if (typeof given === "object" && given !== null)
    for (const value of Object.values(given)) checkNoNul(name, value);
}

/** @throws {UsageError} the output has no destination: neither a file nor `write` */
function checkWrites(
  { name }: LibraryFunction,
  { out = "-", urlEnv }: Given["options"],
  { write }: Watching,
) {
  if (out === "-" && urlEnv === undefined && write === undefined)
    throw new UsageError(
      `${name} writes to standard output only on the command line: name a file with 'out', or pass { write } ` +
        "to receive the bytes",
    );
}

/** Converts errors of commander and of the system to errors of the library; returns others unchanged. */
function errorOf({ name }: LibraryFunction, error: unknown): unknown {
  if (error instanceof CommanderError)
    return new UsageError(`${name}: ${error.message.replace(/^error: /, "")}`, { cause: error });
  const refused = error instanceof EmbedError ? undefined : refusal(error);
  return refused === undefined ? error : new IoError(refused, { cause: error });
}

/** Returns the TypeScript type of an option. */
export function optionType({ declared: { choices, type = "string" } }: TableOption): string {
  return choices ? choices.map((choice) => JSON.stringify(choice)).join(" | ") : type;
}

/** Parses texts as on the command line, and checks all values against the same bounds. @throws {UsageError} invalid */
function optionValue({ declared, optionName, long }: TableOption, value: unknown): unknown {
  const flag = long!;
  let taken = value;
  if (declared.parse) {
    if (typeof value === "string" || typeof value === "number")
      taken = declared.parse(String(value), flag, undefined);
    // adds the items one by one, because an item may contain commas
    else if (declared.repeats && !declared.commas && isTexts(value))
      taken = value.reduce<unknown>((previous, text) => declared.parse!(text, flag, previous), undefined);
  }
  checkRanges({ [optionName]: declared }, { [optionName]: taken });
  return taken;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string");
}
