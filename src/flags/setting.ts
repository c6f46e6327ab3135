// A flag as a key of a file: its name, its kind, and what its own parser makes of the file's value.

import type { Option } from "commander";
import type { Setting } from "../config/config-file.js";
import { listOf } from "./parsers.js";
import { TableOption } from "./table-option.js";

/** Its long name; `header` for --no-header, whose value is false where the flag is given. */
export function nameOf(option: Option): string {
  return (option.long ?? option.flags).replace(/^--(no-)?/, "");
}

/** A flag that takes no value. */
export function isSwitch({ required, optional }: Option): boolean {
  return !required && !optional;
}

/** The option as a key of a file. */
export function settingOf(option: Option): Setting {
  const path = pathIn(option);
  const noBytes = option instanceof TableOption && option.declared.noBytes;
  const about = {
    ...{ name: nameOf(option), help: option.description },
    path,
    ...(noBytes && { noBytes }),
  };
  if (isSwitch(option)) return { ...about, kind: "flag" };
  if (option.argChoices) return { ...about, kind: "one", choices: option.argChoices };
  // a parser that takes what came before it is one of a list
  return { ...about, kind: option.parseArg && option.parseArg.length > 1 ? "many" : "one" };
}

/** By its placeholder: `<file>`, `<log>`, `<run>` and `<file:key>` are paths, `<share, date or file>` may be. */
function pathIn({ flags }: Option): Setting["path"] {
  const placeholder = /<(.*)>/.exec(flags)?.[1] ?? "";
  if (/^(file|log|run)\b/.test(placeholder)) return "always";
  return /\bfile$/.test(placeholder) ? "maybe" : undefined;
}

/** What the option's own parser makes of the value, as if it stood on the command line. @throws {UsageError} as the parser does */
export function valueOf(option: Option, value: boolean | string | string[]): unknown {
  const { parseArg } = option;
  if (typeof value === "boolean" && isSwitch(option)) return value;
  // `label: true` is a text for an option that takes one
  if (!Array.isArray(value)) return parseArg ? parseArg(String(value), undefined) : String(value);
  // a name in a YAML list may hold a comma
  if (!parseArg || parseArg === listOf || takesCommas(option)) return value;
  return value.reduce<unknown>((previous, text) => parseArg(text, previous), undefined);
}

function takesCommas(option: Option): boolean {
  return option instanceof TableOption && option.declared.commas === true;
}
