// What a file says of a command's flags → the flags as the command line would give them.

import { Command } from "commander";
import { textsOf, type Setting } from "../config/config-file.js";
import { UsageError } from "../errors.js";
import { nameOf, settingOf, valueOf } from "./setting.js";

/** Adds a command's flags. */
export type AddFlags = (command: Command) => Command;

/** A command's flags as keys of a file, each with the heading that its help has it under. */
export function settingsOf(add: AddFlags): (Setting & { group: string })[] {
  return add(new Command()).options.map((option) => ({
    ...settingOf(option),
    group: option.helpGroupHeading ?? "",
  }));
}

/**
 * The flags with the file's values and the defaults of the rest, checked by their own parsers.
 *
 * @param told by the flags' long names, as YAML has it
 * @param fail throws what is wrong with a key
 */
export function flagsFromFile(
  add: AddFlags,
  told: Readonly<Record<string, unknown>>,
  fail: (name: string, message: string) => never,
): Record<string, unknown> {
  const command = add(new Command());
  for (const option of command.options) {
    const name = nameOf(option);
    if (!Object.hasOwn(told, name)) continue;
    try {
      const value = valueOf(option, textsOf(told[name]));
      command.setOptionValueWithSource(option.attributeName(), value, "config");
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      fail(name, error.message);
    }
  }
  for (const option of command.options.filter(({ mandatory }) => mandatory)) {
    // where it is written to is told when it runs
    if (nameOf(option) !== "out" && command.getOptionValue(option.attributeName()) === undefined)
      fail(nameOf(option), `${option.flags} is needed`);
  }
  return command.opts();
}
