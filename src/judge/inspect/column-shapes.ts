import type { Roles, Dataset } from "../../dataset/dataset.js";
import type { ColumnShape, EventsOfKeys } from "../report/page/log-page.js";
import { KeyCounter } from "./key-facts.js";
import type { Description } from "../../dataset/encoded/description.js";
import { taskOfLabels } from "../../dataset/labels.js";

const MOST_KEYS = 6;
const BINS = 24;
/** Maximum share of the cells at each end that lie outside of a histogram's range. */
const OUTSIDE = 0.005;
/** Maximum number of distinct values for which a numeric column is shown as keys. */
const FEW = 12;

/** Counts the rows of each distinct cell of every column, in 4 bytes per distinct cell. */
export class ShapeCounter {
  readonly #counters: KeyCounter[];

  constructor(numColumns: number) {
    this.#counters = Array.from({ length: numColumns }, () => new KeyCounter());
  }

  /** @param columns u32[numRows] each: codes of the column's cells @param numKeys distinct cells so far, by column */
  see(columns: readonly Uint32Array[], numRows: number, numKeys: readonly number[]): void {
    this.#counters.forEach((counter, c) => counter.add(columns[c]!, numRows, numKeys[c]!));
  }

  /** Returns the most frequent cells of a column; undefined if all are empty. */
  keys(c: number, keyOf: (code: number) => string): ColumnShape | undefined {
    const counter = this.#counters[c]!;
    if (counter.total === 0) return undefined;
    const top = counter.most(MOST_KEYS, keyOf).map(({ key, rows }) => ({ key, rows }));
    const others = counter.total - top.reduce((sum, { rows }) => sum + rows, 0);
    return { kind: "keys", top, others };
  }

  /** Returns a histogram of a column's numbers or, if few or no distinct numbers exist, its most frequent cells. */
  numbers(
    c: number,
    keyOf: (code: number) => string,
    parse: (text: string) => number | undefined,
  ): ColumnShape | undefined {
    const counts = this.#counters[c]!.counts();
    const cells: { value: number; rows: number }[] = [];
    counts.forEach((rows, code) => {
      const value = rows > 0 ? parse(keyOf(code)) : undefined;
      if (value !== undefined && Number.isFinite(value)) cells.push({ value, rows });
    });
    return cells.length <= FEW ? this.keys(c, keyOf) : histogram(cells);
  }

  events(
    role: EventsOfKeys["role"],
    column: string,
    c: number,
    keyOf: (code: number) => string,
    top: number,
  ): EventsOfKeys {
    const counter = this.#counters[c]!;
    const heavy = role === "user" ? counter.crowd() : undefined;
    const counts = counter.counts().filter((rows) => rows > 0);
    return {
      ...{ role, column, numKeys: counts.length },
      top: counter.most(top, keyOf),
      ranges: doublingRanges(counts),
      ...(heavy && { heavy }),
    };
  }
}

/**
 * Returns the distribution of events over users and over items.
 *
 * @param keyOf function that returns the cell of a code in the column with a given index
 */
export function eventsOfRoles(
  shapes: ShapeCounter,
  roles: Pick<Roles, "user" | "item">,
  columns: readonly string[],
  keyOf: (c: number) => (code: number) => string,
  top: number,
): EventsOfKeys[] {
  return (["user", "item"] as const).flatMap((role) => {
    const column = roles[role];
    const c = column === undefined ? -1 : columns.indexOf(column);
    return c < 0 ? [] : [shapes.events(role, column!, c, keyOf(c), top)];
  });
}

/** Bins numbers between two extreme quantiles. Integers of a small range get one bin each. */
export function histogram(cells: { value: number; rows: number }[]): ColumnShape {
  const sorted = cells.sort((a, b) => a.value - b.value);
  const total = sorted.reduce((sum, { rows }) => sum + rows, 0);
  const quantile = (share: number): number => {
    let below = 0;
    for (const { value, rows } of sorted) if ((below += rows) >= share * total) return value;
    return sorted.at(-1)!.value;
  };
  const [min, max] = [sorted[0]!.value, sorted.at(-1)!.value];
  let [from, to] = [quantile(OUTSIDE), quantile(1 - OUTSIDE)];
  if (from === to) [from, to] = [min, max];
  const isWhole = sorted.every(({ value }) => Number.isInteger(value));
  const each = isWhole && to - from < BINS;
  const numBins = each ? to - from + 1 : BINS;
  const [start, width] = each ? [from - 0.5, 1] : [from, (to - from) / BINS];
  const bins = Array.from({ length: numBins }, (_, i) => ({
    from: start + i * width,
    to: start + (i + 1) * width,
    rows: 0,
  }));
  for (const { value, rows } of sorted)
    bins[Math.max(0, Math.min(numBins - 1, Math.floor((value - start) / width)))]!.rows += rows;
  return { kind: "numbers", bins, min, median: quantile(0.5), max };
}

/** Counts keys by their number of events, in ranges that double: 1, 2 to 3, 4 to 7 and so on. */
function doublingRanges(counts: Uint32Array): EventsOfKeys["ranges"] {
  const ranges: { from: number; to: number; keys: number; rows: number }[] = [];
  for (const rows of counts) {
    const octave = 31 - Math.clz32(rows);
    for (let i = ranges.length; i <= octave; i++)
      ranges.push({ from: 2 ** i, to: 2 ** (i + 1) - 1, keys: 0, rows: 0 });
    ranges[octave]!.keys++;
    ranges[octave]!.rows += rows;
  }
  return ranges.slice(ranges.findIndex(({ keys }) => keys > 0));
}

const DAY = 86_400_000;

/** Returns the number of rows by day since 1970 in UTC. @param times ms since 1970; NaN for rows without a time */
export function rowsOfDays(times: Float64Array): Map<number, number> {
  const rows = new Map<number, number>();
  for (const time of times) {
    if (Number.isNaN(time)) continue;
    const day = Math.floor(time / DAY);
    rows.set(day, (rows.get(day) ?? 0) + 1);
  }
  return rows;
}

/** Returns the task of the labels and the newest event of each file. */
export function starterFacts({ columns, roles }: Dataset, { inputs, fileRows = [] }: Description) {
  const numbers = (name: string | undefined) => {
    const column = columns.find((one) => one.name === name);
    return column?.kind === "number" ? column.values : undefined;
  };
  const [labels, times] = [numbers(roles.label), numbers(roles.time)];
  const newest: { file: string; time: number }[] = [];
  let end = 0;
  for (const [i, rows] of times ? fileRows.entries() : []) {
    let last = -Infinity;
    for (let row = end; row < end + rows; row++) {
      const time = times![row]!;
      if (!Number.isNaN(time)) last = Math.max(last, time);
    }
    if (last > -Infinity) newest.push({ file: inputs[i]!.path, time: last });
    end += rows;
  }
  return {
    ...(labels && { task: taskOfLabels([...new Set(labels)].filter((label) => !Number.isNaN(label))) }),
    ...(times && { newest }),
  };
}
