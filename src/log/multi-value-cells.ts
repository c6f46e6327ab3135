// The text of a cell with several values, which the dataset splits again.
//
//   tea|milk           values, joined by the column's separator
//   tea:0.5|milk:2     values with a number; one without it counts 1
//   [0.1,-2]           a vector

import { excerpt } from "../base/errors.js";
import type { Log } from "./log.js";
import { parseNumber } from "./number.js";
import { RowFault, type Schema } from "./text/record-form.js";

/** Joins values to the text of a cell. @throws {RowFault} a value contains the separator and would be split into two */
export function joinValues(column: string, values: readonly string[], separator: string): string {
  if (separator === VECTORS) return values.join(",");
  const torn = values.find((value) => value.includes(separator));
  if (torn !== undefined) {
    throw new RowFault(
      "separator in a value",
      `the value ${excerpt(torn)} contains the separator ${excerpt(separator)}: use another separator with ` +
        `--multi '${column}:;'`,
      column,
    );
  }
  const present = values.filter((value) => value !== "");
  // a number that is missing is kept as an empty value, because the list may be a vector
  const keepsEmpty = present.length > 0 && present.every((value) => parseNumber(value) !== undefined);
  return (keepsEmpty ? values : present).join(separator);
}

/** The separator, in the roles, of a column whose cells are vectors. */
export const VECTORS = "[]";

/** Returns the numbers of a vector, between commas, bars, semicolons or blanks; undefined if one is not finite. */
export function parseVector(cell: string): number[] | undefined {
  const texts = cell
    .trim()
    .replace(/^\[\s*|\s*\]$/g, "")
    .split(/\s*[,;|]\s*|\s+/);
  const numbers = texts.map((text) => parseNumber(text) ?? NaN);
  return numbers.every((x) => Number.isFinite(Math.fround(x))) ? numbers : undefined;
}

/** Share of the cells that must have as many numbers in a column of vectors. */
const LEAST_ALIKE = 0.9;

/**
 * Returns the separators of a log's columns of lists; VECTORS for columns whose sampled cells are lists, or texts in
 * brackets, of equally many numbers with decimals.
 */
export function withVectors({ columns, sample, multi = {} }: Pick<Log, "columns" | "sample" | "multi">) {
  const vectors = columns.filter((name, c) => {
    const cells = sample.map((row) => row[c]!).filter((cell) => cell !== "");
    if (!cells.every((cell) => Object.hasOwn(multi, name) || /^\[.*\]$/s.test(cell))) return false;
    const found = cells.map((cell) => parseVector(cell) ?? []);
    // a few bad vectors are reported when they are read
    const lengths = found.map(({ length }) => length).sort((a, b) => a - b);
    const dim = lengths[lengths.length >> 1] ?? 0;
    const alike = found.filter(({ length }) => length === dim);
    return dim > 1 && alike.length >= LEAST_ALIKE * cells.length && !alike.flat().every(Number.isInteger);
  });
  return { ...multi, ...Object.fromEntries(vectors.map((name) => [name, VECTORS])) };
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
