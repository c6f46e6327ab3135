// How much the files and days of a log differ from each other → the starter's bounds on those that come next.

/** Rows of the files, or of the days, of a log. */
export interface RowSpread {
  groups: number;
  /** rows of the smallest and of the largest group, by those of the median one */
  least: number;
  most: number;
  /** of days: the longest run of days without an event that the log has twice; 0 of a log without such */
  empty?: number;
}

/** Groups from which on a log shows how they vary, weekends among them. */
const ENOUGH = 14;

/** @param sizes rows of each group; not empty */
export function spreadOf(sizes: readonly number[]): RowSpread {
  const sorted = sizes.toSorted((a, b) => a - b);
  const median = sorted[sorted.length >> 1]!;
  return { groups: sizes.length, least: sorted[0]! / median, most: sorted.at(-1)! / median };
}

/** The spread of days, without the first and the last, which may be cut. @param days rows by day since 1970; not empty */
export function spreadOfDays(days: ReadonlyMap<number, number>): RowSpread {
  const all = [...days.keys()].sort((a, b) => a - b);
  const whole = all.length > 2 ? all.slice(1, -1) : all;
  const runs = all
    .slice(1)
    .map((day, i) => day - all[i]! - 1)
    .sort((a, b) => b - a);
  const empty = runs.find((run, i) => run === runs[i + 1]) ?? 0;
  return { ...spreadOf(whole.map((day) => days.get(day)!)), empty };
}

/** The facts of a log that decide its bounds. */
export interface NewRowsLog {
  task: "binary" | "regression" | "events";
  hasUser: boolean;
  hasItem: boolean;
  /** undefined: one file that is read by its name */
  files: RowSpread | undefined;
  /** undefined: no column is the time */
  days: RowSpread | undefined;
}

/** Lines under `before:`. */
export function newRowsLines({ files, days, ...log }: NewRowsLog): string[] {
  return [
    ...(files
      ? [
          "# each file that the last version's log lacks, next to the median of the other files",
          "newFiles:",
          ...boundLines(files, log),
          "  copies: { max: 0 } # no rows of another file again",
          "goneFiles: { max: 0 } # files at the start of the log may go",
        ]
      : []),
    ...(days
      ? [
          "# each day after the last version's newest event, next to the median of the earlier days",
          "newDays:",
          `  empty: { max: ${days.empty ?? 0} } # days in a row without an event`,
          ...boundLines(days, log),
        ]
      : []),
  ];
}

function boundLines(
  { groups, least, most }: RowSpread,
  { task, hasUser, hasItem }: Pick<NewRowsLog, "task" | "hasUser" | "hasItem">,
): string[] {
  const few = groups < ENOUGH;
  // a file cut to a quarter fails unless files differ as much as that
  const atLeast = Math.max(5, Math.min(few ? 30 : 50, Math.floor(12 * least) * 5));
  const atMost = Math.max(few ? 250 : 180, Math.ceil(15 * most) * 10);
  const counts = `{ atLeast: ${atLeast}%, atMost: ${atMost}% }`;
  return [
    `rows: ${counts}`,
    ...(hasUser ? [`users: ${counts}`] : []),
    ...(hasItem ? [`items: ${counts}`] : []),
    ...(task === "binary" ? ["positiveRate: { atLeast: 50%, atMost: 200% }"] : []),
    ...(task === "regression" ? ["labelSpread: { atLeast: 50%, atMost: 200% }"] : []),
    ...(hasUser ? ["unseenUsers: { maxRise: 40% } # rows of users that no earlier row has"] : []),
    ...(hasItem ? ["unseenItems: { maxRise: 40% }"] : []),
  ].map((line) => `  ${line}`);
}

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
