// Limits beyond which a log is considered damaged or hostile. They bound memory and time, and docs/formats.md documents
// them.

import { DataError } from "../base/errors.js";

/** Number of first rows from which columns and roles are inferred; fewer rows are used if they take too many bytes. */
export const SAMPLE_ROWS = 1000;
export const SAMPLE_BYTES = 64 << 20;

/** Maximum number of columns of a log, or of fields of libffm; the work per row grows with it. */
const MAX_COLUMNS = 16_384;

/** Maximum number of bytes of a row or a header, unless --max-cell allows larger cells. */
const MAX_ROW = 16 << 20;

/** Returns the maximum number of bytes of a row or a header: four times the largest cell, but not less than MAX_ROW. */
export function maxRowBytes({ maxCell }: { maxCell: number }): number {
  return Math.max(MAX_ROW, 4 * maxCell);
}

/** Returns the error for a row or a header that exceeds maxRowBytes. @param what "row", "line" or "header line" */
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

/** @throws {DataError} a log has too many columns */
export function checkColumnCount(count: number, path: string, line: number): void {
  if (count <= MAX_COLUMNS) return;
  throw new DataError(
    `${count} columns, at most ${MAX_COLUMNS} are supported: keep only the columns that you need, or convert ` +
      "the features to libsvm format",
    { file: path, line },
  );
}
