// The ranges that options declare, checked.

import { UsageError } from "../errors.js";

/** What an option says of its numbers: both ends of the range are in it. */
interface Range<Name extends string> {
  name: Name;
  integer: boolean;
  min: number;
  max: number;
}

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
