// What a file says of a command's flags → the flags as the command line would give them.

import { Command } from "commander";
import { textsOf, type Setting } from "../config/config-file.js";
import { UsageError } from "../errors.js";
import type { OptionTable } from "../training/options/table.js";
import { nameOf, settingOf, valueOf } from "./setting.js";
import { addTable, givenOf } from "./table-option.js";

/** Adds a command's flags. */
export type AddFlags = (command: Command) => Command;

/** A command's flags as keys of a file, each with the heading that its help has it under. */
export function settingsOf(add: AddFlags): (Setting & { group: string })[] {
  return add(new Command()).options.map((option) => ({
    ...settingOf(option),
    group: option.helpGroupHeading ?? "",
  }));
}

/** Options by their long names, as YAML has them. */
type FileOptions = Readonly<Record<string, unknown>>;
/** Throws what is wrong with a key. */
type Fail = (name: string, message: string) => never;

/** What a file says of a table's options, checked by their own parsers; defaults are left to the table. */
export function givenFromFile(table: OptionTable, given: FileOptions, fail: Fail): Record<string, unknown> {
  const command = commandOf((empty) => addTable(empty, table), given, fail);
  return givenOf(command, table);
}

function commandOf(add: AddFlags, given: FileOptions, fail: Fail): Command {
  const command = add(new Command());
  for (const option of command.options) {
    const name = nameOf(option);
    if (!Object.hasOwn(given, name)) continue;
    try {
      const value = valueOf(option, textsOf(given[name]));
      command.setOptionValueWithSource(option.attributeName(), value, "config");
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      fail(name, error.message);
    }
  }
  for (const option of command.options.filter(({ mandatory }) => mandatory)) {
    // where it is written is known when it runs
    if (nameOf(option) !== "out" && command.getOptionValue(option.attributeName()) === undefined)
      fail(nameOf(option), `${option.flags} is needed`);
  }
  return command;
}
