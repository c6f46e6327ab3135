// Derives the bounds on the newest event in a starter pipeline from the interval between the newest events of the log's
// files.

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Interval that is assumed for one file, or for files that end at the same time: a weekly job. */
const WEEK = 7 * DAY;
/** Maximum age of a log, in intervals between its files; an older log is regarded as a sample from the past. */
const MOST_LAG = 8;

export interface NewestGate {
  /** bounds on the age of the log's newest event, as the value of `newest:` in the pipeline file */
  bounds: string;
  /** the reason for the bounds, which becomes a comment in the file */
  why: string;
  /** advice for the user; set if the log is too old for a bound on its age */
  warning?: string;
}

/**
 * Returns the longest time, in ms, between the newest events of two successive files; undefined if it is below an hour,
 * as for files that are parts of one export.
 */
export function cadenceOf(newest: readonly number[]): number | undefined {
  const ends = newest.toSorted((a, b) => a - b);
  const gaps = ends.slice(1).map((end, i) => end - ends[i]!);
  const largest = Math.max(0, ...gaps);
  return largest < HOUR ? undefined : largest;
}

/**
 * Returns bounds that fail when the next files do not arrive: the age of the newest event may grow by at most one
 * interval.
 *
 * `minAdvance: 0d` fails when the newest file is gone. A positive one would prevent training again on the same log.
 *
 * @param newest the newest event of each file, ms since 1970; not empty
 * @param now ms since 1970
 */
export function newestGate(newest: readonly number[], now: number): NewestGate {
  const found = cadenceOf(newest);
  const interval = rounded(found ?? WEEK);
  const last = newest.reduce((a, b) => Math.max(a, b));
  const date = new Date(last).toISOString().slice(0, 10);
  const why =
    `${found === undefined ? "assuming a weekly log" : `files end at most ${text(interval)} apart`}, ` +
    `the newest event is from ${date}`;
  const lag = Math.max(1, Math.ceil((now - last) / interval));
  if (lag <= MOST_LAG) return { bounds: `{ maxAge: ${text(lag * interval)}, minAdvance: 0d }`, why };
  const bound = `maxAge: ${text(interval)}`;
  return {
    bounds: `{ minAdvance: 0d } # add ${bound} when the log is live`,
    why,
    warning:
      `the newest event is from ${date}: the gate 'newest' has no ${bound}, because this log would ` +
      "fail it; add it when the log is live to detect missing files",
  };
}

function rounded(interval: number): number {
  const unit = interval < 1.5 * DAY && Math.abs(interval - DAY) > 2 * HOUR ? HOUR : DAY;
  return Math.max(1, Math.round(interval / unit)) * unit;
}

function text(interval: number): string {
  return interval % DAY === 0 ? `${interval / DAY}d` : `${interval / HOUR}h`;
}
