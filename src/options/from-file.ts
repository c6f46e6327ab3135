// Converts options in a file to the values that the command line would give. This is a separate module because the
// file's parser takes long to load, and commands without a pipeline do not need it.

import { Command } from "commander";
import { asFlagValue, type ConfigSetting } from "./config-file.js";
import { UsageError } from "../base/errors.js";
import type { OptionTable } from "./table.js";
import { nameOf, settingOf, parsedSetting } from "./setting.js";
import { addTable, type TableOption } from "./commander-flags.js";

/** Returns the options of a table as keys of a configuration file, each with the heading of its group in the help. */
export function settingsOf(table: OptionTable): (ConfigSetting & { group: string })[] {
  return optionsOf(table).map((option) => ({ ...settingOf(option), group: option.declared.group }));
}

/** Returns the values of a file by long names, as the command line gives them. @param fail throws the error of a key */
export function givenFromFile(
  table: OptionTable,
  file: Readonly<Record<string, unknown>>,
  fail: (name: string, message: string) => never,
): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const option of optionsOf(table)) {
    const name = nameOf(option);
    // the file need not contain the output path, which is known only when the command runs
    if (option.mandatory && name !== "out" && !Object.hasOwn(file, name))
      fail(name, `${option.flags} is needed`);
    if (!Object.hasOwn(file, name)) continue;
    try {
      given[option.optionName] = parsedSetting(option, asFlagValue(file[name]));
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      fail(name, error.message);
    }
  }
  return given;
}

/** The flags of each option table that was used; a pipeline uses those of a training many times. */
const flags = new WeakMap<OptionTable, readonly TableOption[]>();

function optionsOf(table: OptionTable): readonly TableOption[] {
  if (!flags.has(table)) flags.set(table, addTable(new Command(), table).options as TableOption[]);
  return flags.get(table)!;
}
