// Texts that represent a missing cell (--null), as databases and data frames write it.
//
// They are recognized where a scanner's codes become the log's (merge.ts): once per distinct key, and once per cell of
// a numeric column that is not a number. So null texts do not slow down the reading.

import type { Keys } from "./keys.js";

/**
 * Null texts of SQL and Hive, text dumps of MySQL and PostgreSQL, spreadsheets, pandas and numpy. `NA` (Namibia) and
 * `None` (a name) are not included.
 */
export const COMMON_NULLS: readonly string[] = ["NULL", "\\N", "N/A", "NaN"];

/** The null texts that occurred in one column. */
export interface NullCells {
  /** number of rows whose cell is a null text */
  cells: number;
  /** the distinct texts, in order of appearance */
  texts: string[];
}

/** The texts that represent a missing cell (null texts), as text and as bytes. */
export class NullTexts {
  readonly #texts: ReadonlySet<string>;
  readonly #bytes: readonly { text: string; bytes: Buffer }[];
  readonly #most: number;

  constructor(texts: readonly string[] = []) {
    this.#texts = new Set(texts);
    this.#bytes = texts.map((text) => ({ text, bytes: Buffer.from(text, "utf8") }));
    this.#most = Math.max(0, ...this.#bytes.map(({ bytes }) => bytes.length));
  }

  get size(): number {
    return this.#texts.size;
  }

  has(text: string): boolean {
    return this.#texts.has(text);
  }

  /** Returns the cell, or an empty cell if it is a null text. */
  cell(text: string): string {
    return this.#texts.has(text) ? "" : text;
  }

  cells(rows: string[][]): string[][] {
    return this.#texts.size === 0 ? rows : rows.map((row) => row.map((text) => this.cell(text)));
  }

  /** Returns the null text that equals a key, or undefined. @param gap number of bytes before the key */
  among({ bytes, offsets }: Keys, code: number, gap = 0): string | undefined {
    const start = offsets[code]! + gap;
    const end = offsets[code + 1]!;
    if (end === start || end - start > this.#most) return undefined;
    for (const other of this.#bytes) {
      if (other.bytes.length !== end - start || other.bytes[0] !== bytes[start]) continue;
      if (other.bytes.equals(bytes.subarray(start, end))) return other.text;
    }
    return undefined;
  }
}

/**
 * Returns one warning about all columns that had null texts, or undefined if there are none.
 *
 * @param found the null texts per column
 */
export function nullWarnings(found: ReadonlyMap<string, NullCells>): string[] {
  const parts = [...found]
    .filter(([, { cells }]) => cells > 0)
    .map(
      ([name, { cells, texts }]) =>
        `${cells.toLocaleString("en")} ${cells === 1 ? "cell" : "cells"} of '${name}' (${texts.join(", ")})`,
    );
  if (parts.length === 0) return [];
  return [`read as missing: ${parts.join(", ")}; --null '' keeps these strings`];
}

const TEXTS = ["null", "None", "NULL", "nan", "undefined"];
const PLACEHOLDERS = new NullTexts(TEXTS);
const LONGEST = Math.max(...TEXTS.map(({ length }) => length));
/** Bit mask of the lengths of these texts; most of millions of keys have a different length and are skipped. */
const LENGTHS = TEXTS.reduce((bits, { length }) => bits | (1 << length), 0);

/** A key that programs print for a missing value, with the number of rows that have it. */
interface PlaceholderKey {
  text: string;
  rows: number;
}

/**
 * Finds texts that programs print for a missing value (`null`, `None`) and that are not read as missing by default,
 * because they may be names. If such a text is a user, an item or an event id, rows that have nothing in common get the
 * same key.
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
