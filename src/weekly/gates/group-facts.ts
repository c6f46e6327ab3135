// Measures groups of rows for the gates. Reads one column at a time, and needs 8 bytes of memory per key besides.

import { columnNamed, type Dataset } from "../../dataset/dataset.js";
import { MISSING } from "../../log/keys.js";
import type { EncodedDataset } from "../../dataset/encoded/read.js";
import type { InputFingerprint } from "../../base/io/fingerprint.js";
import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import { newestEvent } from "../../dataset/vocabulary/last-seen.js";
import { medianOf } from "./references.js";
import { keysOfRows, rowsOf, type EmbeddingTable } from "../../table/table.js";

/** Measurements of a file or a day. A measurement is undefined if the log lacks its column or the group has no rows. */
export interface GroupFacts {
  rows: number;
  /** number of distinct keys of the user column */
  users: number | undefined;
  items: number | undefined;
  positiveRate: number | undefined;
  /** standard deviation of the labels */
  labelSpread: number | undefined;
  /** share of the group's rows whose user (or item) occurs in no earlier group; undefined for the first group */
  unseenUsers: number | undefined;
  unseenItems: number | undefined;
  /** share of the rows that an earlier file has as well; undefined unless requested */
  repeatedRows?: number | undefined;
}

export type MeasuredGroup = RowGroup & {
  facts: GroupFacts;
  /** name of the file that has most of the repeated rows */
  repeats?: string;
  /** hash of the rows; it does not depend on their order */
  digest: string;
};

/** Measures each group. @param from minimum label of a positive row; when absent, labels above 0 are positive */
export function measuredGroups(
  dataset: Dataset,
  { groups, order }: RowGroups,
  from: number | undefined,
): MeasuredGroup[] {
  const { user, item, label, time } = dataset.roles;
  const users = keyFacts(dataset, user, groups, order);
  const items = keyFacts(dataset, item, groups, order);
  const values = numberValues(dataset, label);
  const labels = values && groups.map((group) => labelsOf(values, group, order, from));
  const times = numberValues(dataset, time);
  return groups.map((group, g) => ({
    ...group,
    middle: group.middle ?? (times && middleOf(times, group)),
    facts: {
      rows: group.end - group.start,
      users: users?.[g]!.distinct,
      items: items?.[g]!.distinct,
      unseenUsers: users?.[g]!.unseen,
      unseenItems: items?.[g]!.unseen,
      ...(labels?.[g] ?? { positiveRate: undefined, labelSpread: undefined }),
    },
    digest: JSON.stringify([
      group.end - group.start,
      users?.[g]!.hash,
      items?.[g]!.hash,
      labels?.[g]!.positiveRate,
      times && hashOf(times, group, order),
    ]),
  }));
}

/** Returns the approximate median of a file's times, from at most 200 of them. */
function middleOf(times: Float64Array, { start, end }: RowGroup): number | undefined {
  const step = Math.ceil((end - start) / 200);
  const taken = [];
  for (let row = start; row < end; row += step) if (!Number.isNaN(times[row]!)) taken.push(times[row]!);
  return medianOf(taken) ?? undefined;
}

function numberValues(dataset: Dataset, name: string | undefined): Float64Array | undefined {
  const column = name === undefined ? undefined : columnNamed(dataset, name);
  return column?.kind === "number" ? column.values : undefined;
}

function keyFacts(
  dataset: Dataset,
  name: string | undefined,
  groups: readonly RowGroup[],
  order: Uint32Array | undefined,
): { distinct: number | undefined; unseen: number | undefined; hash: number }[] | undefined {
  const column = name === undefined ? undefined : columnNamed(dataset, name);
  if (column?.kind !== "key") return undefined;
  const { codes, dictionary } = column;
  // indexes, from 1, of the first and of the last group that contains each key; 0 for keys that were not seen yet
  const first = new Uint32Array(dictionary.size);
  const last = new Uint32Array(dictionary.size);
  let seen = 0;
  return groups.map(({ start, end }, g) => {
    let [distinct, unseen, cells] = [0, 0, 0];
    for (let i = start; i < end; i++) {
      const code = codes[order ? order[i]! : i]!;
      if (code === MISSING) continue;
      cells++;
      if (first[code] === 0) first[code] = g + 1;
      if (first[code] === g + 1) unseen++;
      if (last[code] !== g + 1) distinct++;
      last[code] = g + 1;
    }
    const isFirst = seen === 0;
    seen += cells;
    return {
      distinct: end > start ? distinct : undefined,
      unseen: isFirst || cells === 0 ? undefined : unseen / cells,
      hash: hashOf(codes, { start, end }, order),
    };
  });
}

function labelsOf(
  labels: Float64Array,
  { start, end }: Pick<RowGroup, "start" | "end">,
  order: Uint32Array | undefined,
  from: number | undefined,
): Pick<GroupFacts, "positiveRate" | "labelSpread"> {
  let [positive, mean, squares, n] = [0, 0, 0, 0];
  for (let i = start; i < end; i++) {
    const label = labels[order ? order[i]! : i]!;
    if (from === undefined ? label > 0 : label >= from) positive++;
    if (Number.isNaN(label)) continue;
    // Welford's update of the mean and the variance loses no digits if labels are far from 0
    const step = label - mean;
    mean += step / ++n;
    squares += step * (label - mean);
  }
  const rows = end - start;
  return {
    positiveRate: rows === 0 ? undefined : positive / rows,
    labelSpread: n === 0 ? undefined : Math.sqrt(squares / n),
  };
}

/** Returns a sum of 32-bit hashes of the rows' values; the sum does not depend on the order of the rows. */
function hashOf(
  cells: Uint32Array | Float64Array,
  { start, end }: Pick<RowGroup, "start" | "end">,
  order: Uint32Array | undefined,
): number {
  let sum = 0;
  for (let i = start; i < end; i++) {
    // a time is a whole number of milliseconds, of which imul uses the low 32 bits
    const mixed = Math.imul(cells[order ? order[i]! : i]!, 0x9e3779b1);
    sum = (sum + Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b)) | 0;
  }
  return sum;
}

const DAY = 86_400_000;
const SIX_HOURS = DAY / 4;
/** Maximum number of days that are grouped, so that a wrong time does not create a million groups. */
const MOST_DAYS = 4000;

// Groups a dataset's rows by file and by day, and finds the groups that the previous version did not have.
//
//   files   in the order of the log, the new ones last
//   days    in UTC, oldest first. A last day without an event after 18:00 may be incomplete: the next
//           version measures it

/** A group of rows start .. end - 1, in the order of `RowGroups.order`. */
export interface RowGroup {
  name: string;
  /** true for a file that the previous version did not read, and for a day that ends after its newest event */
  isNew: boolean;
  /**
   * false for the log's first day if it has no event by 06:00, and for its last day if it has none from 18:00 on,
   * because events of such a day may be missing; true for every file
   */
  isWhole: boolean;
  start: number;
  end: number;
  /** median time, ms since 1970; of a day its noon; undefined for a file before it is measured, or without times */
  middle?: number | undefined;
}

export interface RowGroups {
  groups: RowGroup[];
  /** row numbers, sorted by group; absent if the rows of the dataset are sorted by group */
  order?: Uint32Array;
}

/** Undefined if the dataset does not record the rows of its files. @param before inputs of the previous version */
export function fileGroups(
  { description, dataset }: EncodedDataset,
  before: readonly InputFingerprint[],
): RowGroups | undefined {
  const { fileRows = [], inputs } = description;
  if (fileRows.reduce((sum, rows) => sum + rows, 0) !== dataset.numRows) return undefined;
  const known = new Map<string, number>();
  for (const { sha256 } of before) known.set(sha256, (known.get(sha256) ?? 0) + 1);
  // if two files of the log have the bytes of one file of the previous version, the second of them is new
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

/** Undefined if no event has a time. @param before newest event of the previous version, milliseconds since 1970 */
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
  // number of days between a row and the newest event; NaN for a row without a time
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
      middle: from + DAY / 2,
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

// Measures an encoded dataset for the gates before training, from its description's counts and a column or two of its
// rows.

/** Measurements of a dataset. A measurement is undefined if the dataset lacks the column that it needs. */
interface DatasetFacts {
  rows: number;
  positiveRate: number | undefined;
  /** standard deviation of the labels */
  labelSpread: number | undefined;
  users: number | undefined;
  items: number | undefined;
  /** share of empty cells, by column */
  missing: Map<string, number>;
  /** time of the newest event, in milliseconds since 1970 */
  newest: number | undefined;
}

/** @param from minimum label of a positive row; when absent, labels above 0 are positive */
export function factsOf({ dataset, description }: EncodedDataset, from: number | undefined): DatasetFacts {
  const { rows, roles, columns } = description;
  const distinctOf = (name: string | undefined) => columns.find((column) => column.name === name)?.distinct;
  const labels = numberValues(dataset, dataset.roles.label);
  const newest = newestEvent(dataset);
  return {
    rows,
    ...(labels
      ? labelsOf(labels, { start: 0, end: dataset.numRows }, undefined, from)
      : { positiveRate: undefined, labelSpread: undefined }),
    users: distinctOf(roles.user),
    items: distinctOf(roles.item),
    missing: new Map(columns.map(({ name, missing }) => [name, rows === 0 ? 0 : missing / rows])),
    newest: newest !== undefined && Number.isFinite(newest) ? newest : undefined,
  };
}

/**
 * Returns the share of a field's cells (each value of a multi-valued one) whose key has no row in the table; 0 for a
 * column without cells.
 *
 * @returns undefined if the dataset has no such column of keys
 */
export function unseenShare(dataset: Dataset, table: EmbeddingTable, field: string): number | undefined {
  const column = dataset.columns.find(({ name }) => name === field);
  if (!column || column.kind === "number") return undefined;
  const index = new KeyIndex(keysOfRows(table, rowsOf(table, field)));
  const { dictionary, codes } = column;
  const isUnseen = Uint8Array.from({ length: dictionary.size }, (_, code) =>
    index.find(dictionary, code) < 0 ? 1 : 0,
  );
  let [unseen, all] = [0, 0];
  for (const code of codes) {
    if (code === MISSING) continue;
    const [start, end] = column.kind === "key" ? [0, 1] : [column.indptr[code]!, column.indptr[code + 1]!];
    for (let j = start; j < end; j++) unseen += isUnseen[column.kind === "key" ? code : column.values[j]!]!;
    all += end - start;
  }
  return all === 0 ? 0 : unseen / all;
}
