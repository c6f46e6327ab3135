// Detects texts that programs print for a missing value (`null`, `None`) and that are not read as missing by default,
// because they may be names. If such a text is a user, an item or an event id, rows that have nothing in common get the
// same key.

import type { Keys } from "./keys.js";
import { NullTexts } from "./nulls.js";

const TEXTS = ["null", "None", "NULL", "nan", "undefined"];
const PLACEHOLDERS = new NullTexts(TEXTS);
const LONGEST = Math.max(...TEXTS.map(({ length }) => length));
/**
 * bit mask of the lengths of the placeholder texts; most of millions of keys have a different length and are skipped
 */
const LENGTHS = TEXTS.reduce((bits, { length }) => bits | (1 << length), 0);

/** A key that programs print for a missing value, with the number of rows that have it. */
interface PlaceholderKey {
  text: string;
  rows: number;
}

/**
 * Finds the texts for missing values among the keys of a dictionary.
 *
 * @param rowsOf returns the number of rows with a code
 */
export function placeholderKeys(keys: Keys, rowsOf: (code: number) => number): PlaceholderKey[] {
  const found: PlaceholderKey[] = [];
  const { offsets } = keys;
  for (let code = 0; code < keys.size; code++) {
    const length = offsets[code + 1]! - offsets[code]!;
    if (length > LONGEST || (LENGTHS & (1 << length)) === 0) continue;
    const text = PLACEHOLDERS.among(keys, code);
    if (text === undefined) continue;
    const rows = rowsOf(code);
    if (rows > 0) found.push({ text, rows });
  }
  return found;
}

/**
 * Returns one warning about the placeholder keys of a column, or undefined if there are none.
 *
 * @param nulls texts that are read as missing, which --null would replace
 */
export function placeholderWarnings(
  column: string,
  found: readonly PlaceholderKey[],
  nulls: readonly string[],
): string[] {
  if (found.length === 0) return [];
  const named = found.map(
    ({ text, rows }) => `'${text}' in ${rows.toLocaleString("en")} ${rows === 1 ? "row" : "rows"}`,
  );
  const texts = [...nulls, ...found.map(({ text }) => text)].join(",");
  return [
    `'${column}' is ${named.join(" and ")}, read as a key like any other: --null '${texts}' reads such cells as missing`,
  ];
}
