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
  /** number of bytes of the longest text */
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

  /** Replaces cells that are null texts by empty cells, in all rows. */
  cells(rows: string[][]): string[][] {
    return this.#texts.size === 0 ? rows : rows.map((row) => row.map((text) => this.cell(text)));
  }

  /**
   * Returns the null text that equals a key of a dictionary; undefined for any other key.
   *
   * @param gap number of bytes before the key that are not part of it
   */
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
