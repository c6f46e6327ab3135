// Counts the rows of each file or day by the value of a column with few values, such as a country.

import { timeColumn, type Dataset } from "../../dataset/dataset.js";
import { keyAt, MISSING } from "../../log/keys.js";
import type { RowGroups } from "./group-facts.js";

/** Columns that every log with times has: the hour of the day in UTC, and its six hours. Values are hours per value. */
export const HOUR_COLUMNS: Readonly<Record<string, number>> = { hour: 1, sixHours: 6 };
const HOUR = 3_600_000;
/** Maximum number of distinct values; more have no counts. */
const MOST_VALUES = 1000;

export interface ValueCounts {
  /** names of the values; the last one counts the rows without a value */
  names: readonly string[];
  /** whether values are single hours, of which 23 and 0 are neighbors */
  isHour: boolean;
  /** u32[groups.length * names.length], by group */
  counts: Uint32Array;
}

/** @returns counts, or why there are none */
export function valueCounts(
  dataset: Dataset,
  name: string,
  { groups, order }: RowGroups,
): ValueCounts | string {
  const column = dataset.columns.find((one) => one.name === name);
  const times = !column && Object.hasOwn(HOUR_COLUMNS, name) ? timeColumn(dataset)?.values : undefined;
  const isHour = times !== undefined;
  const width = isHour ? HOUR_COLUMNS[name]! : 1;
  if (!isHour && column?.kind !== "key") return "the dataset has no such column of keys";
  const numValues = column?.kind === "key" ? column.dictionary.size : 24 / width;
  if (numValues > MOST_VALUES) return `the column has more than ${MOST_VALUES} values`;
  const valueOf = column?.kind === "key" ? codeOf(column.codes, numValues) : hourOf(times!, width);
  const names = Array.from({ length: numValues }, (_, value) =>
    column?.kind === "key" ? keyAt(column.dictionary, value) : String(width * value).padStart(2, "0"),
  );
  const counts = new Uint32Array(groups.length * (numValues + 1));
  groups.forEach(({ start, end }, g) => {
    for (let i = start; i < end; i++) counts[g * (numValues + 1) + valueOf(order ? order[i]! : i)]!++;
  });
  return { names: [...names, "(missing)"], isHour: isHour && width === 1, counts };
}

function codeOf(codes: Uint32Array, missing: number): (row: number) => number {
  return (row) => (codes[row] === MISSING ? missing : codes[row]!);
}

function hourOf(times: Float64Array, width: number): (row: number) => number {
  const [length, slots] = [width * HOUR, 24 / width];
  return (row) =>
    Number.isNaN(times[row]!) ? slots : ((Math.floor(times[row]! / length) % slots) + slots) % slots;
}
