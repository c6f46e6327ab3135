// Texts that represent a missing cell (--null), as databases and data frames write it.
//
// They are recognized where a scanner's codes become the log's (merge.ts): once per distinct key, and once per cell of
// a numeric column that is not a number. So reading is as fast as without them.

import type { Keys } from "./keys.js";

/**
 * Null texts of SQL and Hive, text dumps of MySQL and PostgreSQL, spreadsheets, pandas and numpy. Not `NA` (Namibia)
 * and `None` (a name).
 */
export const COMMON_NULLS: readonly string[] = ["NULL", "\\N", "N/A", "NaN"];

/** The null texts that occurred in one column. */
export interface NullCells {
  /** number of rows with such a cell */
  cells: number;
  /** the distinct texts, in order of appearance */
  texts: string[];
}

/** The null texts, as text and as bytes. */
export class NullTexts {
  readonly #texts: ReadonlySet<string>;
  readonly #bytes: readonly { text: string; bytes: Buffer }[];
  /** bytes of the longest text */
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

  /** Returns the cell, or an empty one if it is a null text. */
  cell(text: string): string {
    return this.#texts.has(text) ? "" : text;
  }

  /** Applies `cell` to all cells of rows. */
  cells(rows: string[][]): string[][] {
    return this.#texts.size === 0 ? rows : rows.map((row) => row.map((text) => this.cell(text)));
  }

  /** Returns the null text that a dictionary's key equals; undefined for any other key. @param gap bytes before the key */
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
 * Returns one warning about all columns that had null texts, or nothing.
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
