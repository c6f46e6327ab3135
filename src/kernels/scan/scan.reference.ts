// The scanner's definition of correct: the same functions as assembly/main.ts over plain arrays and text.

import { MISSING } from "./layout.js";

/** Rows of a range of whole lines, without those that cannot be used. */
export interface IndexedRows {
  /** one a row: its cells */
  rows: string[][];
  /** one a row: its physical line, from 0 */
  lines: number[];
  numLines: number;
  /** lines with another number of cells, in order */
  ragged: { line: number; numCells: number }[];
}

/**
 * The cells of lines without quoted cells. Blank lines and comments are left out.
 *
 * @param text whole lines, the last character a newline
 * @param comment what a comment line starts with; empty: there are none
 */
export function indexRows(text: string, delimiter: string, numColumns: number, comment: string): IndexedRows {
  const lines = text.split("\n").slice(0, -1);
  const indexed: IndexedRows = { rows: [], lines: [], numLines: lines.length, ragged: [] };
  for (const [line, withReturn] of lines.entries()) {
    const content = withReturn.endsWith("\r") ? withReturn.slice(0, -1) : withReturn;
    if (content === "" || (comment !== "" && withReturn.startsWith(comment))) continue;
    const cells = content.split(delimiter);
    if (cells.length !== numColumns) {
      indexed.ragged.push({ line, numCells: cells.length });
      continue;
    }
    indexed.rows.push(cells);
    indexed.lines.push(line);
  }
  return indexed;
}

/** Codes of cells, MISSING for empty ones; a key that is new gets the next code. */
export function internCells(table: Map<string, number>, cells: readonly string[]): number[] {
  return cells.map((cell) => {
    if (cell === "") return MISSING;
    let code = table.get(cell);
    if (code === undefined) {
      code = table.size;
      table.set(cell, code);
    }
    return code;
  });
}

/** The number of a cell, NaN for an empty one; undefined for what is not in decimal or scientific syntax. */
export function parseCell(cell: string): number | undefined {
  if (cell === "") return NaN;
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(cell) ? Number(cell) : undefined;
}
