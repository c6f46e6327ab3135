// Derives the bounds on new files and days in a starter pipeline from how much the files and days of the log differ.

/** The variation of the number of rows in the files, or in the days, of a log. */
export interface RowSpread {
  groups: number;
  /** number of rows of the smallest file or day and of the largest one, relative to the median */
  least: number;
  most: number;
  /** for days: length of the longest run of days without an event that occurs at least twice; 0 if there is none */
  empty?: number;
}

/** Minimum number of files or days that show how their sizes vary; two weeks include weekends. */
const ENOUGH = 14;

/** Measures how much the sizes of groups vary. @param sizes number of rows of each group, at least one */
export function spreadOf(sizes: readonly number[]): RowSpread {
  const sorted = sizes.toSorted((a, b) => a - b);
  const median = sorted[sorted.length >> 1]!;
  return { groups: sizes.length, least: sorted[0]! / median, most: sorted.at(-1)! / median };
}

/** As spreadOf, without first and last day, which may be incomplete. @param days rows by day since 1970; not empty */
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

interface NewRowsLog {
  task: "binary" | "regression" | "events";
  hasUser: boolean;
  hasItem: boolean;
  /** how much the files' numbers of rows vary; undefined if the log is one file that is named without a pattern */
  files: RowSpread | undefined;
  /** how much the days' numbers of rows vary; undefined if no column has the role of time */
  days: RowSpread | undefined;
}

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
  // a file that is truncated to a quarter of its rows fails unless the files of the log differ by that much
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
