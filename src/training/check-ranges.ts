// What options declare of their numbers, and their ranges checked.

import { UsageError } from "../errors.js";

/** What an option says of its numbers: both ends of the range are in it. */
interface Range<Name extends string> {
  name: Name;
  integer: boolean;
  min: number;
  max: number;
}

/** A number that a user may set: what the help says of it, and its range. */
export interface Declared<Name extends string> extends Range<Name> {
  /** as the help shows it */
  default: string;
  help: string;
}

/** `--threads`, which is the same for every trainer. */
export const threadsOption: Declared<"threads"> = {
  name: "threads",
  default: "as many as cores",
  help: "threads at most; the result is the same bytes at any number",
  integer: true,
  min: 1,
  max: 1024,
};

/** @throws {UsageError} an option that is set is outside its range */
export function checkRanges<Name extends string>(
  ranges: readonly Range<Name>[],
  options: Partial<Record<Name, number>>,
): void {
  for (const { name, integer, min, max } of ranges) {
    const value = options[name];
    if (value === undefined || (value >= min && value <= max && (!integer || Number.isInteger(value))))
      continue;
    throw new UsageError(
      `${name} must be ${integer ? "a whole number" : "a number"} in [${min}, ${max}], got ${value}`,
    );
  }
}
