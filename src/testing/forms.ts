// Writes the same rows of text cells in every format of logs.

import { parquetWriteBuffer } from "hyparquet-writer";

export type TextRows = readonly (readonly string[])[];

/** Writes delimited text with a header; cells are quoted if necessary. */
export function delimitedOf(columns: readonly string[], rows: TextRows, delimiter: string): string {
  const line = (cells: readonly string[]) => cells.map((cell) => quoted(cell, delimiter)).join(delimiter);
  // in a log with one column, a missing cell is written as quotes, because readers skip empty lines
  return `${[columns, ...rows].map((cells) => line(cells) || '""').join("\n")}\n`;
}

function quoted(cell: string, delimiter: string): string {
  return /["\r\n]/.test(cell) || cell.includes(delimiter) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/**
 * Writes one object per line; an empty cell is null, or absent in every second row, but not in the first, which names
 * the columns.
 */
export function jsonLinesOf(columns: readonly string[], rows: TextRows): string {
  const lines = rows.map((cells, r) => {
    const members = columns.map((name, c): [string, string | null] => [
      name,
      cells[c] === "" ? null : cells[c],
    ]);
    return JSON.stringify(Object.fromEntries(members.filter(([, cell]) => cell !== null || r % 2 === 0)));
  });
  return `${lines.join("\n")}\n`;
}

/** Writes Parquet with columns of strings; an empty cell is null. */
export function parquetOf(columns: readonly string[], rows: TextRows, rowGroupSize = 1000): Uint8Array {
  const columnData = columns.map((name, c) => ({
    name,
    data: rows.map((cells) => (cells[c] === "" ? null : cells[c])),
    type: "STRING" as const,
    nullable: true,
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize }));
}
