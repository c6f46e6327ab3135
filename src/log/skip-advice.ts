/** Default maximum share of bad rows that --on-bad-row skip skips. */
export const DEFAULT_MAX_BAD = 0.01;

/** Maximum share of bad rows for which messages advise to skip them: of more, the log or an option is wrong. */
const MOST_SKIPPED = 0.05;

/** Whether so few rows are bad that skipping them leaves the log as it is. */
export function maySkip(bad: number, rows: number): boolean {
  return bad <= MOST_SKIPPED * rows;
}

/** Returns what share of the rows that were read so far is bad, and how to skip them if they are few. */
export function skipAdvice(bad: number, rows: number): string {
  const share = bad / rows;
  const shown = `${share < 0.0005 ? "under 0.1" : (100 * share).toFixed(1)} % of the first ${rows.toLocaleString("en")} rows`;
  if (!maySkip(bad, rows)) return `as in ${shown}`;
  const limit = share > DEFAULT_MAX_BAD ? ` --max-bad ${Math.ceil(100 * share)}%` : "";
  return `--on-bad-row skip${limit} skips such rows, ${shown}`;
}
