// Reference of the scanner, the definition of correct: the functions of assembly/main.ts on plain arrays and text.

import { MISSING } from "./layout.js";

/** Rows of a range of whole lines; lines with a wrong number of cells are listed separately. */
export interface IndexedRows {
  /** the cells of each row */
  rows: string[][];
  /** physical line of each row, from 0 */
  lines: number[];
  numLines: number;
  /** in file order */
  ragged: { line: number; numCells: number }[];
}

/**
 * Returns the cells of each line. Cells are not quoted; blank lines and comments are skipped.
 *
 * @param text whole lines, the last character a newline
 * @param comment text at the start of a comment line; empty: there are no comments
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

/** Returns the code of each cell, MISSING for an empty one; a new key gets the next code. */
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

/**
 * Returns the number in a cell, NaN for an empty cell; undefined for text that is neither in decimal nor in scientific
 * notation.
 */
export function parseCell(cell: string): number | undefined {
  if (cell === "") return NaN;
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(cell) ? Number(cell) : undefined;
}
