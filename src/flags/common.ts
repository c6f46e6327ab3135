// Which options --help shows. The others are left to --help-all.

import type { Command, Option } from "commander";
import { nameOf } from "./setting.js";
import { TableOption } from "./table-option.js";

/** Shown for every command. */
const ALWAYS = ["help", "config", "json", "quiet"];

const marked = new WeakSet<Option>();

/** Marks options of a command as common, by their long names: for flags that no table declares. @throws {RangeError} it has no such option */
export function markCommon(command: Command, names: readonly string[]): Command {
  for (const name of names) {
    const option = command.options.find((one) => nameOf(one) === name);
    if (!option) throw new RangeError(`${command.name()} has no option --${name}`);
    marked.add(option);
  }
  return command;
}

/** Leaves the less common options to --help-all, and says how many; a command that marks none shows all. */
export function hideUncommon(command: Command, helpAll: string): void {
  const shown = command.options.filter(({ hidden }) => !hidden);
  if (!shown.some(isCommon)) return;
  const others = shown.filter((option) => !isCommon(option) && !ALWAYS.includes(nameOf(option)));
  for (const option of others) option.hideHelp();
  command.addHelpText("after", `\n${others.length} more options: embed ${command.name()} ${helpAll}`);
}

function isCommon(option: Option): boolean {
  return marked.has(option) || (option instanceof TableOption && option.declared.common === true);
}
