// The values of files and days that bounds apply to, each with the value that its references lead to expect.

import { shareOf, type GroupBounds } from "./gates-schema.js";
import { asCount, asNumber, asShare, type Show } from "./bounds.js";
import type { Dataset } from "../../dataset/dataset.js";
import { measuredGroups, type GroupFacts, type MeasuredGroup, type RowGroups } from "./group-facts.js";
import { medianOf, spreadOf } from "./references.js";
import { repeatedRows } from "./repeated-rows.js";
import { valueCounts, type ValueCounts } from "./value-counts.js";

/** For each kind of bound: its check, and whether the lowest or the highest value violates it most. */
const RULES = new Map<
  string,
  {
    isRelative: boolean;
    worst: "lowest" | "highest";
    holds: (value: number, bound: number, expected: number) => boolean;
  }
>(
  Object.entries({
    min: { isRelative: false, worst: "lowest", holds: (value, bound) => value >= bound },
    max: { isRelative: false, worst: "highest", holds: (value, bound) => value <= bound },
    atLeast: { isRelative: true, worst: "lowest", holds: (value, bound, median) => value >= bound * median },
    atMost: { isRelative: true, worst: "highest", holds: (value, bound, median) => value <= bound * median },
    maxRise: { isRelative: true, worst: "highest", holds: (value, bound, median) => value <= median + bound },
  }),
);

/** A value of a file or day: of the group itself, or of its rows with one value of a column. */
export interface GroupReading {
  value: number;
  /** median of the references; null if there are none */
  median: number | null;
  /**
   * what `atLeast` and what other bounds are relative to; as the median, except for values of columns. Null if the bound
   * does not apply
   */
  low: number | null;
  high: number | null;
  /** distances from `low` or `high` up to this are noise */
  noise: number;
  /** value of the column; absent for values of the group */
  of?: string;
}

export const isRelative = (rule: string): boolean => RULES.get(rule)!.isRelative;

/** What a bound of a reading is relative to. */
export const expectedOf = (rule: string, { low, high }: GroupReading): number | null =>
  RULES.get(rule)!.worst === "lowest" ? low : high;

/** A bound that is relative to the median is satisfied if there is no median. */
export function holdsGroupBound(
  rule: string,
  bound: number | string,
  value: number,
  expected: number | null,
): boolean {
  if (!RULES.has(rule) || (isRelative(rule) && expected === null)) return true;
  return RULES.get(rule)!.holds(value, shareOf(bound), expected ?? NaN);
}

/** Whether a reading satisfies a bound, or differs from what is expected by noise alone. */
export function holdsReading(rule: string, bound: number | string, reading: GroupReading): boolean {
  const expected = expectedOf(rule, reading);
  if (isRelative(rule) && Math.abs(reading.value - (expected ?? NaN)) <= reading.noise) return true;
  return holdsGroupBound(rule, bound, reading.value, expected);
}

/** Returns how close a reading is to violating a bound of a kind: the largest number violates it most. */
export function excessOf(rule: string, reading: GroupReading): number {
  const { value } = reading;
  const expected = expectedOf(rule, reading) ?? 1;
  if (rule === "atLeast") return -value / expected;
  if (rule === "atMost") return value / expected;
  return rule === "maxRise" ? value - expected : RULES.get(rule)!.worst === "lowest" ? -value : value;
}

/** A value that is measured of each file or day. */
export interface GroupMeasure {
  name: string;
  show: Show;
  /** reason why no group has a value */
  why: string;
  /** @param references indexes of the groups that group g is compared with */
  readings: (g: number, references: readonly number[]) => GroupReading[];
}

const SHOWN: Record<keyof GroupFacts, { show: Show; why: string }> = {
  rows: { show: asCount, why: "" },
  users: { show: asCount, why: "no column of keys is the user" },
  items: { show: asCount, why: "no column of keys is the item" },
  positiveRate: { show: asShare, why: "the dataset has no labels" },
  labelSpread: { show: asNumber, why: "the dataset has no labels" },
  unseenUsers: { show: asShare, why: "no column of keys is the user" },
  unseenItems: { show: asShare, why: "no column of keys is the item" },
  repeatedRows: { show: asShare, why: "fewer than 10 rows to compare" },
};

/** Default of `minShare`. */
export const MIN_SHARE = 0.01;

export const GROUP_FACTS = Object.keys(SHOWN) as (keyof GroupFacts)[];

/** Measured groups, and the counts of the rows by value of those columns that bounds name. */
export interface MeasuredGroups {
  groups: readonly MeasuredGroup[];
  counts: ReadonlyMap<string, ValueCounts & { minShare: number }>;
  /** why there are no counts, by `values:COLUMN` */
  uncounted: ReadonlyMap<string, string>;
}

/** @param from minimum label of a positive row; when absent, labels above 0 are positive */
export function measured(
  dataset: Dataset,
  rowGroups: RowGroups,
  from: number | undefined,
  { values = {}, repeatedRows: isAsked }: GroupBounds = {},
): MeasuredGroups {
  const groups = measuredGroups(dataset, rowGroups, from);
  const repeats = isAsked ? repeatedRows(dataset, rowGroups.groups) : [];
  const counts = new Map<string, ValueCounts & { minShare: number }>();
  const uncounted = new Map<string, string>();
  for (const [column, { minShare = MIN_SHARE }] of Object.entries(values)) {
    const found = valueCounts(dataset, column, rowGroups);
    if (typeof found === "string") uncounted.set(`values:${column}`, found);
    else counts.set(column, { ...found, minShare: shareOf(minShare) });
  }
  return {
    ...{ counts, uncounted },
    groups: groups.map((group, g) => ({
      ...group,
      facts: { ...group.facts, repeatedRows: repeats[g]?.share },
      repeats: repeats[g]?.of ?? "",
    })),
  };
}

export function measuresOf({ groups, counts }: MeasuredGroups): GroupMeasure[] {
  return [
    ...factMeasures(groups),
    ...[...counts].map(([column, found]) => valueMeasure(column, found, found.minShare)),
  ];
}

const factMeasures = (groups: readonly MeasuredGroup[]): GroupMeasure[] =>
  GROUP_FACTS.map((name) => ({
    name,
    ...SHOWN[name],
    readings: (g, references) => {
      const { facts } = groups[g]!;
      const value = facts[name];
      if (value === undefined) return [];
      const median = medianOf(references.flatMap((r) => groups[r]!.facts[name] ?? []));
      const noise = median === null ? 0 : 3 * deviation(name, median, facts.rows);
      return [{ value, median, low: median, high: median, noise }];
    },
  }));

/** Returns the standard deviation of a count, or of a share of the labels, in a random sample; 0 for other values. */
function deviation(name: keyof GroupFacts, median: number, rows: number): number {
  if (name === "positiveRate") return Math.sqrt((median * (1 - median)) / rows);
  return name === "rows" || name === "users" || name === "items" ? Math.sqrt(median) : 0;
}

/**
 * Returns the shares of the rows by value, in each group, next to the median of the same value's shares.
 *
 * @param minShare values with a smaller median have no `low`, and a `high` of this share
 */
export function valueMeasure(
  column: string,
  { names, isHour, counts }: ValueCounts,
  minShare: number,
): GroupMeasure {
  const size = names.length;
  const rowsOf = (g: number) =>
    counts.subarray(g * size, (g + 1) * size).reduce((sum, rows) => sum + rows, 0);
  return {
    name: `values:${column}`,
    show: asShare,
    why: "",
    readings(g, references) {
      const rows = rowsOf(g);
      if (rows === 0) return [];
      const shares = references.map((r) => {
        const all = Math.max(1, rowsOf(r));
        return names.map((_, v) => counts[r * size + v]! / all);
      });
      const medians = names.map((_, v) => medianOf(shares.map((each) => each[v]!)));
      return names.map((of, v): GroupReading => {
        const value = counts[g * size + v]! / rows;
        const median = medians[v]!;
        if (median === null) return { of, value, median, low: null, high: null, noise: 0 };
        // when clocks change, an hour has the rows of the hour before or after it
        const near = isHour && v < 24 ? [medians[(v + 23) % 24]!, median, medians[(v + 1) % 24]!] : [median];
        const p = Math.max(median, 1 / rows);
        const past = shares.map((each) => each[v]!).sort((a, b) => a - b);
        const deviations = [Math.sqrt((p * (1 - p)) / rows), spreadOf(past)];
        // what two references had is not odd
        const usual = Math.max(0, median - (past[1] ?? median), (past.at(-2) ?? median) - median);
        return {
          ...{ of, value, median, low: median < minShare ? null : Math.min(...near) },
          ...{ high: Math.max(minShare, ...near), noise: Math.max(usual, 3 * Math.max(...deviations)) },
        };
      });
    },
  };
}
