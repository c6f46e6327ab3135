// An option as a key of a file: its name, its kind, and what its own parser makes of the file's value.

import type { Setting } from "../config/config-file.js";
import { flagOf } from "../errors.js";
import type { TableOption } from "./table-option.js";

/** Its long name; `header` for --no-header, whose value is false where the flag is given. */
export function nameOf({ optionName }: TableOption): string {
  return flagOf(optionName).slice(2);
}

/** A flag that takes no value. */
export function isSwitch({ declared: { placeholder } }: TableOption): boolean {
  return placeholder === undefined;
}

/** The option as a key of a file. */
export function settingOf(option: TableOption): Setting {
  const { placeholder, choices, repeats, noBytes } = option.declared;
  const about = {
    ...{ name: nameOf(option), help: option.description, path: pathIn(placeholder) },
    ...(noBytes && { noBytes }),
  };
  if (placeholder === undefined) return { ...about, kind: "flag" };
  if (choices) return { ...about, kind: "one", choices };
  return { ...about, kind: repeats ? "many" : "one" };
}

/** By its placeholder: `<file>`, `<log>`, `<run>` and `<file:key>` are paths, `<share, date or file>` may be. */
function pathIn(placeholder = ""): Setting["path"] {
  if (/^(file|log|run)\b/.test(placeholder)) return "always";
  return /\bfile$/.test(placeholder) ? "maybe" : undefined;
}

/** What the option's own parser makes of the value, as if it stood on the command line. @throws {UsageError} as the parser does */
export function valueOf(option: TableOption, value: boolean | string | string[]): unknown {
  const { parseArg, declared } = option;
  if (typeof value === "boolean" && isSwitch(option)) return value;
  // `label: true` is a text for an option that takes one
  if (!Array.isArray(value)) return parseArg ? parseArg(String(value), undefined) : String(value);
  // a name in a YAML list may hold a comma
  if (!parseArg || declared.commas) return value;
  return value.reduce<unknown>((previous, text) => parseArg(text, previous), undefined);
}
