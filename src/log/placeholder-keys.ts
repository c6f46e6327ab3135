// Detects texts that programs print for a missing value (`null`, `None`) and that are not read as missing by default,
// because they may be names. As a user, an item or an event id, such a text joins rows that have nothing in common.

import type { Keys } from "./keys.js";
import { NullTexts } from "./nulls.js";

const TEXTS = ["null", "None", "NULL", "nan", "undefined"];
const PLACEHOLDERS = new NullTexts(TEXTS);
const LONGEST = Math.max(...TEXTS.map(({ length }) => length));
/** the bit of each of their lengths, because most of millions of keys have others */
const LENGTHS = TEXTS.reduce((bits, { length }) => bits | (1 << length), 0);

/** A text for a missing value that is a key, with the number of its rows. */
interface PlaceholderKey {
  text: string;
  rows: number;
}

/** Finds such texts in a dictionary. @param rowsOf returns the number of rows with a code */
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
 * Returns one warning about such keys of a column, or nothing.
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
