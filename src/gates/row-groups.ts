// A dataset's rows by file and by day, and which of them the last version had not seen.
//
//   files   in the order of the log, the new ones last
//   days    in UTC, oldest first. A last day without an event after 18:00 may still be going on and would look cut short: the next
//           version measures it

import { columnNamed, type Dataset } from "../dataset/dataset.js";
import type { EncodedDataset } from "../dataset/encoded/read.js";
import type { InputFingerprint } from "../io/fingerprint.js";

const DAY = 86_400_000;
const SIX_HOURS = DAY / 4;
/** Events before this many days are in no group: a wrong time must not make a million of them. */
const MOST_DAYS = 4000;

/** Rows start .. end - 1, in the order of `RowGroups.order`. */
export interface RowGroup {
  name: string;
  /** the last version had not seen it */
  isNew: boolean;
  /** false of a first day that begins in the middle, and of a last one that may be going on */
  isWhole: boolean;
  start: number;
  end: number;
}

export interface RowGroups {
  groups: RowGroup[];
  /** row numbers by group; absent where the rows stand in this order */
  order?: Uint32Array;
}

/**
 * The log's files.
 *
 * @param before inputs of the last version
 * @returns undefined where the dataset does not state the rows of its files
 */
export function fileGroups(
  { description, dataset }: EncodedDataset,
  before: readonly InputFingerprint[],
): RowGroups | undefined {
  const { fileRows = [], inputs } = description;
  if (fileRows.reduce((sum, rows) => sum + rows, 0) !== dataset.numRows) return undefined;
  const known = new Map<string, number>();
  for (const { sha256 } of before) known.set(sha256, (known.get(sha256) ?? 0) + 1);
  // of two files with the bytes of one that was there, the second is new
  const isKnown = (sha256: string) => {
    const left = known.get(sha256) ?? 0;
    known.set(sha256, left - 1);
    return left > 0;
  };
  let end = 0;
  const groups = fileRows.map((rows, i): RowGroup => {
    const { path, sha256 } = inputs[i]!;
    return { name: path, isNew: !isKnown(sha256), isWhole: true, start: end, end: (end += rows) };
  });
  return { groups: [...groups.filter(({ isNew }) => !isNew), ...groups.filter(({ isNew }) => isNew)] };
}

/**
 * The days of the log up to its newest event.
 *
 * @param before newest event of the last version, milliseconds since 1970
 * @returns undefined where no event has a time
 */
export function dayGroups(
  dataset: Dataset,
  newest: number | undefined,
  before: number,
): RowGroups | undefined {
  const { time } = dataset.roles;
  const column = time === undefined ? undefined : columnNamed(dataset, time);
  if (newest === undefined || column?.kind !== "number") return undefined;
  const last = Math.floor(newest / DAY);
  const { values } = column;
  // days count back from the newest; NaN is none
  const ageOf = (row: number) => last - Math.floor(values[row]! / DAY);
  const counts = new Uint32Array(MOST_DAYS);
  let [oldest, isSorted, latest] = [Infinity, true, MOST_DAYS];
  for (let row = 0; row < values.length; row++) {
    const age = ageOf(row);
    if (!(age < MOST_DAYS)) {
      isSorted = false;
      continue;
    }
    counts[age]!++;
    oldest = Math.min(oldest, values[row]!);
    isSorted &&= age <= latest;
    latest = age;
  }
  const groups: RowGroup[] = [];
  const numDays = counts.findLastIndex((count) => count > 0) + 1;
  for (let age = numDays - 1, end = 0; age >= 0; age--) {
    const from = (last - age) * DAY;
    const isWhole =
      (age < numDays - 1 || oldest - from <= SIX_HOURS) && (age > 0 || newest - from >= DAY - SIX_HOURS);
    groups.push({
      name: new Date(from).toISOString().slice(0, 10),
      isNew: from + DAY > before,
      isWhole,
      start: end,
      end: (end += counts[age]!),
    });
  }
  if (isSorted) return { groups };
  const next = groups.map(({ start }) => start);
  const order = new Uint32Array(groups.at(-1)!.end);
  for (let row = 0; row < values.length; row++) {
    const age = ageOf(row);
    if (age < MOST_DAYS) order[next[numDays - 1 - age]!++] = row;
  }
  return { groups, order };
}
