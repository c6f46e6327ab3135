// How much one log may hold in one place before it is taken to be damaged or hostile: bounds on memory and time, stated in
// docs/formats.md.

import { DataError } from "../errors.js";

/** The first rows, by which columns and their roles are known: so many, or fewer where they take more bytes. */
export const SAMPLE_ROWS = 1000;
export const SAMPLE_BYTES = 64 << 20;

/** Columns of a log, or fields of libffm text: work on a row grows with all of them. */
const MAX_COLUMNS = 16_384;

/** Bytes of a row or a header, unless --max-cell allows larger cells. */
const MAX_ROW = 16 << 20;

/** Bytes that a row, or the header, may take: room for four of the largest cells. */
export function maxRowBytes({ maxCell }: { maxCell: number }): number {
  return Math.max(MAX_ROW, 4 * maxCell);
}

/** A row, or a header, that is larger than that. @param what "row", "line" or "header line" */
export function rowTooLarge(
  what: string,
  path: string,
  line: number,
  options: { maxCell: number },
): DataError {
  return new DataError(
    `the ${what} is longer than ${maxRowBytes(options)} bytes: check that this is a text file with one row ` +
      "per line; --max-cell raises the limit",
    { file: path, line },
  );
}

/** @throws {DataError} more columns than a log may have */
export function checkColumnCount(count: number, path: string, line: number): void {
  if (count <= MAX_COLUMNS) return;
  throw new DataError(
    `${count} columns, at most ${MAX_COLUMNS} are supported: keep only the columns that you need, or convert ` +
      "the features to libsvm format",
    { file: path, line },
  );
}
