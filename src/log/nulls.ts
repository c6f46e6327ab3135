// Texts that stand for a missing cell (--null): what databases and data frames write where they have no value.
//
// They are taken where codes of a scanner become the log's (merge.ts): once for each distinct key, and for each cell of a
// column of numbers that is none. So a log without them is read as fast as before.

import type { Keys } from "./keys.js";

/** SQL and Hive, MySQL's and PostgreSQL's text dumps, spreadsheets, pandas and numpy. `NA` is Namibia, and `None` a name. */
export const COMMON_NULLS: readonly string[] = ["NULL", "\\N", "N/A", "NaN"];

/** What one column had of them. */
export interface NullCells {
  /** rows whose cell is one */
  cells: number;
  /** those that were found, in order of appearance */
  texts: string[];
}

/** The texts, as text and as bytes. */
export class NullTexts {
  readonly #texts: ReadonlySet<string>;
  readonly #bytes: readonly { text: string; bytes: Buffer }[];
  /** bytes of the longest */
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

  /** The cell, empty where it stands for a missing one. */
  cell(text: string): string {
    return this.#texts.has(text) ? "" : text;
  }

  /** Cells of rows, as `cell` gives them. */
  cells(rows: string[][]): string[][] {
    return this.#texts.size === 0 ? rows : rows.map((row) => row.map((text) => this.cell(text)));
  }

  /** The text among these that a dictionary's key is; undefined of any other key. @param gap bytes before the key */
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
 * One sentence about all columns that had cells of these texts; none where no column had.
 *
 * @param found by column
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
