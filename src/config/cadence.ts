// How often a log's files come, by the newest event of each → the starter's bounds on the newest event of all.

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Of one file, or of files that end together: the job is a weekly one. */
const WEEK = 7 * DAY;
/** A log may lag by so many of its intervals; one that is older is a sample of the past. */
const MOST_LAG = 8;

export interface NewestGate {
  /** what stands under `newest:` */
  bounds: string;
  /** where they come from, for a comment */
  why: string;
  /** the log is too old for a bound on its age: what to do about it */
  warning?: string;
}

/** The largest time between the ends of two files, ms; undefined where files end together, as parts of one day do. */
export function cadenceOf(newest: readonly number[]): number | undefined {
  const ends = newest.toSorted((a, b) => a - b);
  const gaps = ends.slice(1).map((end, i) => end - ends[i]!);
  const largest = Math.max(0, ...gaps);
  return largest < HOUR ? undefined : largest;
}

/**
 * Bounds that fail when the next files stay away: the age of the newest event may grow by one interval at most.
 *
 * `minAdvance: 0d` fails when the newest file is gone. A positive one would refuse to train again on the same log.
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
