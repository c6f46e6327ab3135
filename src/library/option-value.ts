// A value that TypeScript gives an option → what the command's own parser would make of it, with the same refusals.

import type { Option } from "commander";
import { UsageError } from "../errors.js";
import { listOf, takenBy } from "../flags/parsers.js";
import { isSwitch } from "../flags/setting.js";
import { TableOption } from "../flags/table-option.js";
import { checkRanges } from "../training/options/check-given.js";

/**
 * Texts are read as on the command line; numbers, booleans, lists and records stand for themselves and are held to the same bounds.
 *
 * @throws {UsageError} names the flag and what it expects
 */
export function optionValue(option: Option, value: unknown): unknown {
  return option instanceof TableOption ? valueOfTable(option, value) : valueOfFlag(option, value);
}

/** What TypeScript may set the option to. */
export function typeOf(option: Option): string {
  if (option.argChoices) return option.argChoices.map((choice) => JSON.stringify(choice)).join(" | ");
  if (option instanceof TableOption) return option.declared.type ?? "string";
  if (isSwitch(option)) return "boolean";
  const { parseArg } = option;
  if (!parseArg) return "string";
  if (parseArg.length > 1) return "string | readonly string[]";
  const type = takenBy(parseArg) ?? "string";
  return option.optional ? `true | ${type}` : type;
}

function valueOfTable({ declared, optionName, long }: TableOption, value: unknown): unknown {
  const flag = long!;
  let taken = value;
  if (declared.parse) {
    if (typeof value === "string" || typeof value === "number")
      taken = declared.parse(String(value), flag, undefined);
    // names of a list may hold commas
    else if (declared.repeats && !declared.commas && isTexts(value))
      taken = value.reduce<unknown>((previous, text) => declared.parse!(text, flag, previous), undefined);
  }
  // what has no check of its own is only what its parser makes of a text
  if (!declared.complaint && taken === value && typeof value !== "string" && typeof value !== "number")
    throw new UsageError(`${flag} expects ${declared.type}, got '${JSON.stringify(value)}'`);
  checkRanges({ [optionName]: declared }, { [optionName]: taken });
  return taken;
}

function valueOfFlag(option: Option, value: unknown): unknown {
  const { parseArg, argChoices, optional } = option;
  const expects = (what: string): UsageError =>
    new UsageError(`${option.long} expects ${what}, got '${JSON.stringify(value)}'`);
  if (isSwitch(option)) {
    if (typeof value !== "boolean") throw expects("true or false");
    return value;
  }
  if (argChoices) {
    if (!argChoices.includes(value as string)) throw expects(`one of ${argChoices.join(", ")}`);
    return value;
  }
  if (optional && value === true) return value;
  if (!parseArg) {
    if (typeof value !== "string") throw expects("a text");
    return value;
  }
  if (typeof value === "string" || typeof value === "number") return parseArg(String(value), undefined);
  if (!Array.isArray(value) || !value.every((one) => typeof one === "string" || typeof one === "number"))
    throw expects(typeOf(option));
  if (parseArg === listOf) return value;
  if (parseArg.length < 2) return parseArg(value.join(","), undefined);
  return value.reduce<unknown>((previous, one) => parseArg(String(one), previous), undefined);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string");
}
