// Rows that --on-bad-row skip left out: what is kept of them, and how many are too many.

import { DataError } from "../../errors.js";

/** The share of rows that may be bad where nothing is said. */
export const DEFAULT_MAX_BAD = 0.01;

/** One row that was left out. */
export interface BadRow {
  file: string;
  /** physical line on which it starts, from 1 */
  line: number;
  reason: string;
  /** the column, where one cell of a well-formed row is what is wrong */
  column?: string;
  /** the row as it stands there, or the cell where a column is named */
  text: string;
}

/** `1,204 wrong number of cells, 3 price: a finite number is expected` */
function describe(skipped: Record<string, number>): string {
  return Object.entries(skipped)
    .map(([reason, count]) => `${count.toLocaleString("en")} ${reason}`)
    .join("; ");
}

/**
 * Holds the share of bad rows against its limit.
 *
 * @param skipped rows left out as bad, by reason
 * @param numRead all rows of the log, bad ones too
 * @param max the largest share, in [0, 1]
 * @throws {DataError} more rows are bad
 */
export function checkBadShare(
  skipped: Record<string, number>,
  numRead: number,
  max: number,
  paths: readonly string[],
): void {
  const bad = Object.values(skipped).reduce((sum, count) => sum + count, 0);
  if (bad === 0 || bad <= max * numRead) return;
  const allowed = `${Number((100 * max).toPrecision(6))}%`;
  throw new DataError(
    `${bad.toLocaleString("en")} of ${numRead.toLocaleString("en")} rows are bad, --max-bad allows ` +
      `${allowed}: ${describe(skipped)}. Write them to a file with --bad-rows FILE, or raise --max-bad`,
    { file: paths.join(", ") },
  );
}
