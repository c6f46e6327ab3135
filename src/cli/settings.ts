// Options from elsewhere than the command line: EMBED_* variables and --config. A flag goes before a variable, a variable
// before the file, the file before the default.

import type { Command, Option } from "commander";
import type { ConfigEntry, Setting } from "../config/config-file.js";
import { ConfigError, UsageError } from "../errors.js";
import { listOf } from "./options.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** Gives every command --config. */
export function addConfigOption(command: Command): void {
  command.option(
    "--config <file>",
    "options from a YAML file, by their long names; EMBED_NAME variables go before it",
  );
}

/**
 * Sets what the command line leaves open on the command that it names.
 *
 * @param scratch a program like it, which is parsed to see what the command line says
 * @throws {ConfigError} the config file is not valid
 * @throws {UsageError} a variable's value is none
 */
export async function applySettings(
  program: Command,
  scratch: Command,
  argv: readonly string[],
  environment: Environment,
): Promise<void> {
  const isNamed = (command: Command) => command.name() === argv[2];
  const command = program.commands.find(isNamed);
  const told = scratch.commands.find(isNamed);
  if (!command || !told) return;
  told.configureOutput({ writeErr: () => undefined });
  try {
    told.parseOptions(argv.slice(3));
  } catch {
    // the program itself says it when it parses them
    return;
  }
  const open = command.options.filter(
    (option) => told.getOptionValueSource(option.attributeName()) !== "cli",
  );
  const path = (told.opts()["config"] as string | undefined) ?? (environment["EMBED_CONFIG"] || undefined);
  const config = path === undefined ? new Map<string, ConfigEntry>() : await configOf(path, program, command);
  for (const option of open) {
    const name = nameOf(option);
    const variable = `EMBED_${name.toUpperCase().replaceAll("-", "_")}`;
    const text = environment[variable];
    const entry = config.get(name);
    if (text !== undefined && text !== "") {
      const failure = (message: string) => new UsageError(`${variable}: ${message}`);
      set(command, option, "env", () => valueOf(option, fromText(option, text)), failure);
    } else if (entry) {
      const { value, line, column } = entry;
      const failure = (message: string) => new ConfigError(message, { file: path!, line, column });
      set(command, option, "config", () => valueOf(option, value), failure);
    }
  }
}

async function configOf(path: string, program: Command, command: Command) {
  const { readConfig } = await import("../config/config-file.js");
  const names = program.commands.flatMap(({ options }) => options.map(nameOf));
  const settings = command.options.map(settingOf).filter(({ name }) => name !== "config");
  return readConfig(
    path,
    settings,
    names.filter((name) => name !== "config"),
  );
}

/** `header` for --no-header: its value is false where the flag is given. */
function nameOf(option: Option): string {
  return (option.long ?? option.flags).replace(/^--(no-)?/, "");
}

function isFlag({ required, optional }: Option): boolean {
  return !required && !optional;
}

function settingOf(option: Option): Setting {
  const name = nameOf(option);
  if (isFlag(option)) return { name, kind: "flag" };
  if (option.argChoices) return { name, kind: "one", choices: option.argChoices };
  // a parser that takes what came before it is one of a list
  return { name, kind: option.parseArg && option.parseArg.length > 1 ? "many" : "one" };
}

function fromText(option: Option, text: string): boolean | string {
  if (!isFlag(option)) return text;
  if (/^(1|true)$/i.test(text)) return true;
  if (/^(0|false)$/i.test(text)) return false;
  throw new UsageError(`expects true or false, got '${text}'`);
}

/** What the option's own parser makes of the value, as if it stood on the command line. */
function valueOf(option: Option, value: boolean | string | string[]): unknown {
  const { parseArg } = option;
  if (typeof value === "boolean" && isFlag(option)) return value;
  // `label: true` is a text for an option that takes one
  if (!Array.isArray(value)) return parseArg ? parseArg(String(value), undefined) : String(value);
  // a name in a YAML list may hold a comma
  if (!parseArg || parseArg === listOf) return value;
  return value.reduce<unknown>((previous, text) => parseArg(text, previous), undefined);
}

function set(
  command: Command,
  option: Option,
  source: "env" | "config",
  value: () => unknown,
  failure: (message: string) => Error,
): void {
  let got: unknown;
  try {
    got = value();
  } catch (error) {
    throw failure(error instanceof Error ? error.message : String(error));
  }
  command.setOptionValueWithSource(option.attributeName(), got, source);
}
