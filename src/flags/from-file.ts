// What a file says of a table's options → what the command line would give. The file's parser takes long to load: a command without
// a pipeline does without.

import { Command } from "commander";
import { textsOf, type Setting } from "../config/config-file.js";
import { UsageError } from "../errors.js";
import type { OptionTable } from "../training/options/table.js";
import { nameOf, settingOf, valueOf } from "./setting.js";
import { addTable, type TableOption } from "./table-option.js";

/** A table's options as keys of a file, each with the heading that the help has it under. */
export function settingsOf(table: OptionTable): (Setting & { group: string })[] {
  return optionsOf(table).map((option) => ({ ...settingOf(option), group: option.declared.group }));
}

/**
 * What a file says of a table's options, by their long names, as the command line would give it.
 *
 * @param fail throws what is wrong with a key
 */
export function givenFromFile(
  table: OptionTable,
  file: Readonly<Record<string, unknown>>,
  fail: (name: string, message: string) => never,
): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const option of optionsOf(table)) {
    const name = nameOf(option);
    // where it is written is known when it runs
    if (option.mandatory && name !== "out" && !Object.hasOwn(file, name))
      fail(name, `${option.flags} is needed`);
    if (!Object.hasOwn(file, name)) continue;
    try {
      given[option.optionName] = valueOf(option, textsOf(file[name]));
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      fail(name, error.message);
    }
  }
  return given;
}

function optionsOf(table: OptionTable): readonly TableOption[] {
  return addTable(new Command(), table).options as TableOption[];
}
