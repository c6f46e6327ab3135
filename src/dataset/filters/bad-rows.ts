// Bad rows that --on-bad-row skip drops: their records, and the limit on their number.

import { DataError } from "../../errors.js";

/** Default maximum share of bad rows. */
export const DEFAULT_MAX_BAD = 0.01;

/** A row that was skipped. */
export interface BadRow {
  file: string;
  /** number of the file's line on which the row starts, from 1 */
  line: number;
  reason: string;
  /** name of the invalid cell's column; absent if the whole row is malformed */
  column?: string;
  /** text of the cell if a column is given, otherwise of the row */
  text: string;
}

/** Returns a text such as `1,204 wrong number of cells, 3 price: a finite number is expected`. */
function describe(skipped: Record<string, number>): string {
  return Object.entries(skipped)
    .map(([reason, count]) => `${count.toLocaleString("en")} ${reason}`)
    .join("; ");
}

/**
 * Checks the share of bad rows against its limit.
 *
 * @param skipped number of bad rows per reason
 * @param numRead number of all rows of the log, including bad ones
 * @param max maximum share, in [0, 1]
 * @throws {DataError} the share is larger
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
