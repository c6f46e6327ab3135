// The same rows of text cells in every form of log.

import { parquetWriteBuffer } from "hyparquet-writer";

export type Cells = readonly (readonly string[])[];

/** Delimited text with a header; every cell that needs it is quoted. */
export function delimitedOf(columns: readonly string[], rows: Cells, delimiter: string): string {
  const line = (cells: readonly string[]) => cells.map((cell) => quoted(cell, delimiter)).join(delimiter);
  // in a log of one column an empty line is blank: a missing cell stands in quotes
  return `${[columns, ...rows].map((cells) => line(cells) || '""').join("\n")}\n`;
}

function quoted(cell: string, delimiter: string): string {
  return /["\r\n]/.test(cell) || cell.includes(delimiter) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** An object a line; an empty cell is null, or absent in every other row, but never in the first, which names the columns. */
export function jsonLinesOf(columns: readonly string[], rows: Cells): string {
  const lines = rows.map((cells, r) => {
    const members = columns.map((name, c): [string, string | null] => [
      name,
      cells[c] === "" ? null : cells[c],
    ]);
    return JSON.stringify(Object.fromEntries(members.filter(([, cell]) => cell !== null || r % 2 === 0)));
  });
  return `${lines.join("\n")}\n`;
}

/** Parquet with a column of strings each; an empty cell is null. */
export function parquetOf(columns: readonly string[], rows: Cells, rowGroupSize = 1000): Uint8Array {
  const columnData = columns.map((name, c) => ({
    name,
    data: rows.map((cells) => (cells[c] === "" ? null : cells[c])),
    type: "STRING" as const,
    nullable: true,
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize }));
}
