// Several values of one cell as its text: what the dataset splits again.
//
//   tea|milk           values, joined by the column's separator
//   tea:0.5|milk:2     values that carry a number; one without it counts 1

import { excerpt } from "../errors.js";
import { parseNumber } from "./number.js";
import { RowFault, type Schema } from "./text/record-form.js";

/** The values joined. @throws {RowFault} a value holds the separator and would come back as two */
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

/** How the values of a column are joined: as given, else as the form says; undefined where it has single values. */
export function separatorOf(
  column: string,
  given: Record<string, string>,
  { multi }: Pick<Schema, "multi">,
): string | undefined {
  if (Object.hasOwn(given, column)) return given[column];
  return Object.hasOwn(multi, column) ? multi[column] : undefined;
}

/** What is parsed of each record that is not malformed; what is wrong with the others is reported when they are read. */
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

/** `tea:0.5`, or `tea` for a value of 1 where nothing can be taken for another. */
export function weightedText(key: string, value: number): string {
  return value === 1 && !key.includes(":") ? key : `${key}:${value}`;
}

/** Key and number of a value that carries one, parted at the last colon; undefined when what follows is no 32-bit float. */
export function parseWeighted(text: string): { key: string; value: number } | undefined {
  const colon = text.lastIndexOf(":");
  if (colon === -1) return { key: text, value: 1 };
  const value = parseNumber(text.slice(colon + 1));
  const key = text.slice(0, colon).trim();
  if (value === undefined || !Number.isFinite(Math.fround(value)) || key === "") return undefined;
  return { key, value };
}
