import type { ConfigSetting } from "./config-file.js";
import { flagOf } from "../base/errors.js";
import type { TableOption } from "./commander-flags.js";

/** Returns the long name of an option. For --no-header it is `header`, and its value is false if the flag is given. */
export function nameOf({ optionName }: TableOption): string {
  return flagOf(optionName).slice(2);
}

/** Whether a flag takes no value. */
export function isSwitch({ declared: { placeholder } }: TableOption): boolean {
  return placeholder === undefined;
}

/** Returns the option as a key of a configuration file. */
export function settingOf(option: TableOption): ConfigSetting {
  const { placeholder, choices, repeats, noBytes } = option.declared;
  const about = {
    ...{ name: nameOf(option), help: option.description, path: pathIn(placeholder) },
    ...(noBytes && { noBytes }),
  };
  if (placeholder === undefined) return { ...about, kind: "flag" };
  if (choices) return { ...about, kind: "one", choices };
  return { ...about, kind: repeats ? "many" : "one" };
}

/**
 * Returns whether the value is a path, by its placeholder: `<file>`, `<log>`, `<run>`, `<directory>` and `<file:key>` are paths,
 * `<share, date or file>` may be.
 */
function pathIn(placeholder = ""): ConfigSetting["path"] {
  if (/^(file|log|run|directory)\b/.test(placeholder)) return "always";
  return /\bfile$/.test(placeholder) ? "maybe" : undefined;
}

/** Parses a value in a file with the option's parser. @throws {UsageError} the error of that parser */
export function parsedSetting(option: TableOption, value: boolean | string | string[]): unknown {
  const { parseArg, declared } = option;
  if (typeof value === "boolean" && isSwitch(option)) return value;
  // a YAML value such as true in `label: true` is passed as text if the option takes a text
  if (!Array.isArray(value)) return parseArg ? parseArg(String(value), undefined) : String(value);
  // does not split the elements of a YAML list at commas, because a name may contain one
  if (!parseArg || declared.commas) return value;
  return value.reduce<unknown>((previous, text) => parseArg(text, previous), undefined);
}
