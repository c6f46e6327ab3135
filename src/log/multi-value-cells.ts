// The text of a cell with several values, which the dataset splits again.
//
//   tea|milk           values, joined by the column's separator
//   tea:0.5|milk:2     values with a number; one without it counts 1

import { excerpt } from "../base/errors.js";
import { parseNumber } from "./number.js";
import { RowFault, type Schema } from "./text/record-form.js";

/** Joins values to the text of a cell. @throws {RowFault} a value contains the separator and would be split into two */
export function joinValues(column: string, values: readonly string[], separator: string): string {
  const torn = values.find((value) => value.includes(separator));
  if (torn !== undefined) {
    throw new RowFault(
      "separator in a value",
      `the value ${excerpt(torn)} contains the separator ${excerpt(separator)}: use another separator with ` +
        `--multi '${column}:;'`,
      column,
    );
  }
  return values.filter((value) => value !== "").join(separator);
}

/** Returns the separator of the user, or else of the format; undefined if cells hold single values. */
export function separatorOf(
  column: string,
  given: Record<string, string>,
  { multi }: Pick<Schema, "multi">,
): string | undefined {
  if (Object.hasOwn(given, column)) return given[column];
  return Object.hasOwn(multi, column) ? multi[column] : undefined;
}

/** Parses records and skips malformed ones, which are reported when they are read. */
export function* wellFormed<Rec, T>(records: Iterable<Rec>, parse: (record: Rec) => T): Generator<T> {
  for (const record of records) {
    let parsed: T;
    try {
      parsed = parse(record);
    } catch (error) {
      if (error instanceof RowFault) continue;
      throw error;
    }
    yield parsed;
  }
}

/**
 * Returns the text of a value and its number, `tea:0.5`; only `tea` if the number is 1 and the key contains no colon.
 */
export function weightedText(key: string, value: number): string {
  return value === 1 && !key.includes(":") ? key : `${key}:${value}`;
}

/** Splits a value at the last colon into key and number; undefined if the text after it is not a 32-bit float. */
export function parseWeighted(text: string): { key: string; value: number } | undefined {
  const colon = text.lastIndexOf(":");
  if (colon === -1) return { key: text, value: 1 };
  const value = parseNumber(text.slice(colon + 1));
  const key = text.slice(0, colon).trim();
  if (value === undefined || !Number.isFinite(Math.fround(value)) || key === "") return undefined;
  return { key, value };
}
