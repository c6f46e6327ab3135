// A value that TypeScript gives an option → what the command's own parser would make of it, with the same refusals.

import { UsageError } from "../errors.js";
import type { TableOption } from "../flags/table-option.js";
import { checkRanges } from "../training/options/check-given.js";

/** What TypeScript may set the option to. */
export function typeOf({ declared: { choices, type = "string" } }: TableOption): string {
  return choices ? choices.map((choice) => JSON.stringify(choice)).join(" | ") : type;
}

/**
 * Texts are read as on the command line; numbers, booleans, lists and records stand for themselves and are held to the same bounds.
 *
 * @throws {UsageError} names the flag and what it expects
 */
export function optionValue({ declared, optionName, long }: TableOption, value: unknown): unknown {
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

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string");
}
