// Names of columns that are counted on: `i1..i13` stands for i1, i2, ..., i13.

import { UsageError } from "../../errors.js";

/** Columns that a range may name. */
const MOST = 16_384;
const RANGE = /^(.*?)(\d+)\.\.\1(\d+)(:.*)?$/su;

/**
 * Names with their ranges counted out: `c01..c26` keeps its zeros, and what follows a colon goes with each (`i1..i13:log1p`).
 *
 * @throws {UsageError} a range runs backwards, or names more columns than a log has
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
