// Chooses the earlier files or days that a new one is compared with: if possible those of its weekday and hour.
//
//   width   distance between the middles of successive groups, rounded to a part of a day
//   slot    index of a group's middle, in widths, within the week and within the day

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
/** Possible widths of slots; each divides a day. */
const WIDTHS = [1 / 4, 1 / 2, 1, 2, 3, 4, 6, 8, 12, 24].map((hours) => hours * HOUR);

/** Minimum number of earlier groups of a slot; with fewer, groups of all weekdays, then of all hours are references. */
const LEAST = 4;
/** Maximum number of references of a slot, and of any slot: the latest ones, so that a log may grow. */
const MOST = 6;
const MOST_OF_ALL = 28;

export interface Slots {
  /** ms; 0 if the groups do not follow each other in time */
  width: number;
  /** slots of each group; undefined for a group without times */
  of: readonly ({ week: number; day: number } | undefined)[];
}

export interface References {
  /** indexes of the groups, oldest first */
  groups: readonly number[];
  /** what the groups have in common with the new one, for messages */
  alike: string;
}

/** @param middles median time of each group, ms since 1970, in the order of the log */
export function slotsOf(middles: readonly (number | undefined)[]): Slots {
  const known = middles.filter((middle) => middle !== undefined).toSorted((a, b) => a - b);
  const gap = medianOf(known.slice(1).map((middle, i) => middle - known[i]!)) ?? 0;
  if (gap < WIDTHS[0]! / 2 || gap > 1.5 * DAY) return { width: 0, of: middles.map(() => undefined) };
  const ratio = (width: number) => Math.max(width / gap, gap / width);
  const width = WIDTHS.reduce((best, each) => (ratio(each) < ratio(best) ? each : best));
  // the mean position of a middle in its slot is the slot's center, so that few middles are near a limit
  let [x, y] = [0, 0];
  for (const middle of known) {
    const angle = (2 * Math.PI * (middle % width)) / width;
    x += Math.cos(angle);
    y += Math.sin(angle);
  }
  const phase = (Math.atan2(y, x) / (2 * Math.PI)) * width;
  const slotOf = (middle: number, period: number) => {
    const slot = Math.floor((middle - phase) / width + 0.5) % (period / width);
    return slot < 0 ? slot + period / width : slot;
  };
  return {
    width,
    of: middles.map((middle) =>
      middle === undefined ? undefined : { week: slotOf(middle, WEEK), day: slotOf(middle, DAY) },
    ),
  };
}

/** @param earlier indexes of the groups before group g, oldest first @param later used if there are few earlier ones */
export function referencesOf(
  { width, of }: Slots,
  g: number,
  earlier: readonly number[],
  later: readonly number[] = [],
): References {
  const slots = of[g];
  const levels = !slots
    ? []
    : width === DAY
      ? [{ key: "week" as const, alike: " of the same weekday" }]
      : [
          { key: "week" as const, alike: " of the same weekday and hour" },
          { key: "day" as const, alike: " of the same hour" },
        ];
  for (const { key, alike } of levels) {
    const isAlike = (i: number) => of[i]?.[key] === slots![key];
    const before = earlier.filter(isAlike);
    const all = [...before, ...later.filter(isAlike)];
    if (before.length >= LEAST) return { groups: before.slice(-MOST), alike };
    if (all.length >= LEAST) return { groups: all.slice(0, MOST), alike };
  }
  return {
    groups:
      earlier.length >= LEAST ? earlier.slice(-MOST_OF_ALL) : [...earlier, ...later].slice(0, MOST_OF_ALL),
    alike: "",
  };
}

export function medianOf(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Robust estimate of the standard deviation: 1.4826 times the median distance from the median. */
export function spreadOf(values: readonly number[]): number {
  const median = medianOf(values) ?? 0;
  return 1.4826 * (medianOf(values.map((value) => Math.abs(value - median))) ?? 0);
}
