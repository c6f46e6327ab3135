// Sets options from EMBED_* variables and from the file of --config. A flag takes precedence over a variable, a
// variable over the file, and the file over the default.

import type { Command } from "commander";
import type { ConfigEntry } from "../../options/config-file.js";
import { ConfigError, UsageError } from "../../base/errors.js";
import { isSwitch, nameOf, settingOf, parsedSetting } from "../../options/setting.js";
import { addTable, type TableOption } from "../../options/commander-flags.js";
import { config } from "./terminal-options.js";

type Environment = Readonly<Record<string, string | undefined>>;

export function addConfigOption(command: Command): void {
  addTable(command, config);
}

/**
 * Sets those options of a command that the command line does not contain, from variables and from the file of --config.
 *
 * @param everyCommand all commands with their options, because a config file may contain those of others
 */
export async function applySettings(
  program: Command,
  everyCommand: () => Promise<readonly Command[]>,
  argv: readonly string[],
  environment: Environment,
): Promise<void> {
  const command = program.commands.find((one) => one.name() === argv[2]);
  const given = command && optionsGiven(command, argv.slice(3));
  if (!given) return;
  const path = given.config ?? (environment["EMBED_CONFIG"] || undefined);
  const entries =
    path === undefined ? new Map<string, ConfigEntry>() : await configOf(path, await everyCommand(), command);
  for (const option of given.open) {
    const name = nameOf(option);
    const variable = `EMBED_${name.toUpperCase().replaceAll("-", "_")}`;
    const text = environment[variable];
    const entry = entries.get(name);
    if (text !== undefined && text !== "") {
      const failure = (message: string) => new UsageError(`${variable}: ${message}`);
      set(command, option, "env", () => parsedSetting(option, fromText(option, text)), failure);
    } else if (entry) {
      const { value, line, column } = entry;
      const failure = (message: string) => new ConfigError(message, { file: path!, line, column });
      set(command, option, "config", () => parsedSetting(option, value), failure);
    }
  }
  // the settings belong to the state with which commander begins to parse
  command.saveStateBeforeParse();
}

/**
 * Parses the words after the command's name to find the options that they leave open, and the file of --config. The
 * command stays as it was. Returns undefined if the words are not valid, which the program reports when it parses them.
 */
function optionsGiven(
  command: Command,
  words: string[],
): { open: readonly TableOption[]; config: string | undefined } | undefined {
  command.saveStateBeforeParse();
  try {
    command.parseOptions(words);
    const isOpen = (option: TableOption) => command.getOptionValueSource(option.attributeName()) !== "cli";
    return { open: optionsOf(command).filter(isOpen), config: command.opts<{ config?: string }>().config };
  } catch {
    return undefined;
  } finally {
    command.restoreStateBeforeParse();
  }
}

async function configOf(path: string, everyCommand: readonly Command[], command: Command) {
  const { readConfig } = await import("../../options/config-file.js");
  const names = everyCommand.flatMap((one) => optionsOf(one).map(nameOf));
  const settings = optionsOf(command)
    .map(settingOf)
    .filter(({ name }) => name !== "config");
  return readConfig(
    path,
    settings,
    names.filter((name) => name !== "config"),
  );
}

function fromText(option: TableOption, text: string): boolean | string {
  if (!isSwitch(option)) return text;
  if (/^(1|true)$/i.test(text)) return true;
  if (/^(0|false)$/i.test(text)) return false;
  throw new UsageError(`expects true or false, got '${text}'`);
}

function set(
  command: Command,
  option: TableOption,
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

function optionsOf({ options }: Command): readonly TableOption[] {
  return options as TableOption[];
}
