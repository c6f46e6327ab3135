// Expands ranges of column names: `i1..i13` is short for i1, i2, ..., i13.

import { UsageError } from "../../errors.js";

/** Maximum number of columns in a range. */
const MOST = 16_384;
const RANGE = /^(.*?)(\d+)\.\.\1(\d+)(:.*)?$/su;

/**
 * Expands ranges. `c01..c26` preserves leading zeros, and a suffix after a colon applies to each column
 * (`i1..i13:log1p`).
 *
 * @throws {UsageError} a range is descending, or has more columns than a log may have
 */
export function countedOut(names: readonly string[], flag: string): string[] {
  return names.flatMap((name) => {
    const [, prefix, from, to, form = ""] = RANGE.exec(name) ?? [];
    if (prefix === undefined || from === undefined || to === undefined) return [name];
    const count = Number(to) - Number(from) + 1;
    if (!(count >= 1 && count <= MOST))
      throw new UsageError(
        `${flag} expects a range from a lower number to a higher one, such as i1..i13, got '${name}'`,
      );
    const width = from.startsWith("0") ? from.length : 1;
    return Array.from(
      { length: count },
      (_, i) => `${prefix}${String(Number(from) + i).padStart(width, "0")}${form}`,
    );
  });
}
