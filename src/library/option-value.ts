// Converts an option's value from TypeScript to the value that the command line would give, with the same checks.

import { UsageError } from "../errors.js";
import type { TableOption } from "../flags/table-option.js";
import { checkRanges } from "../training/options/check-given.js";

/** Returns the TypeScript type of an option. */
export function optionType({ declared: { choices, type = "string" } }: TableOption): string {
  return choices ? choices.map((choice) => JSON.stringify(choice)).join(" | ") : type;
}

/**
 * Converts a value. Texts are parsed as on the command line; numbers, booleans, lists and records are checked against
 * the same bounds.
 *
 * @throws {UsageError} invalid; the message names the flag and the expected values
 */
export function optionValue({ declared, optionName, long }: TableOption, value: unknown): unknown {
  const flag = long!;
  let taken = value;
  if (declared.parse) {
    if (typeof value === "string" || typeof value === "number")
      taken = declared.parse(String(value), flag, undefined);
    // adds the items one by one, because an item may contain commas
    else if (declared.repeats && !declared.commas && isTexts(value))
      taken = value.reduce<unknown>((previous, text) => declared.parse!(text, flag, previous), undefined);
  }
  // the option has no check of its own: a value that is neither text nor number and that its parser did not convert is
  // invalid
  if (!declared.complaint && taken === value && typeof value !== "string" && typeof value !== "number")
    throw new UsageError(`${flag} expects ${declared.type}, got '${JSON.stringify(value)}'`);
  checkRanges({ [optionName]: declared }, { [optionName]: taken });
  return taken;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string");
}
