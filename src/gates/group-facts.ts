// Groups of rows → the measurements of each that gates bound. One column at a time is read, and memory is 8 bytes a key beside it.

import { columnNamed, type Dataset } from "../dataset/dataset.js";
import { MISSING } from "../log/keys.js";
import type { RowGroup, RowGroups } from "./row-groups.js";

/** Measurements of a file or a day; undefined where the log has no column for it, or the group no row. */
export interface GroupFacts {
  rows: number;
  /** distinct keys */
  users: number | undefined;
  items: number | undefined;
  positiveRate: number | undefined;
  /** standard deviation of the labels */
  labelSpread: number | undefined;
  /** share of rows whose key no earlier group has; undefined of the first group, in which every key is new */
  unseenUsers: number | undefined;
  unseenItems: number | undefined;
}

export type MeasuredGroup = RowGroup & {
  facts: GroupFacts;
  /** equal of groups with the same rows in any order */
  digest: string;
};

/** @param from a label from there on is positive; one above 0 when absent */
export function measuredGroups(
  dataset: Dataset,
  { groups, order }: RowGroups,
  from: number | undefined,
): MeasuredGroup[] {
  const { user, item, label, time } = dataset.roles;
  const users = keyFacts(dataset, user, groups, order);
  const items = keyFacts(dataset, item, groups, order);
  const labels = labelFacts(dataset, label, groups, order, from);
  const times = numbersOf(dataset, time);
  return groups.map((group, g) => ({
    ...group,
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

function numbersOf(dataset: Dataset, name: string | undefined): Float64Array | undefined {
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
  // numbers of the first and the last group with a key, from 1
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

function labelFacts(
  dataset: Dataset,
  name: string | undefined,
  groups: readonly RowGroup[],
  order: Uint32Array | undefined,
  from: number | undefined,
): Pick<GroupFacts, "positiveRate" | "labelSpread">[] | undefined {
  const labels = numbersOf(dataset, name);
  return labels && groups.map((group) => labelsOf(labels, group, order, from));
}

/** The positive rate and the spread of the labels of a group. */
export function labelsOf(
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
    // Welford's update: labels far from 0 lose no digits
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

/** A sum of 32-bit hashes, which does not depend on the order of the rows. */
function hashOf(
  cells: Uint32Array | Float64Array,
  { start, end }: Pick<RowGroup, "start" | "end">,
  order: Uint32Array | undefined,
): number {
  let sum = 0;
  for (let i = start; i < end; i++) {
    // times are whole milliseconds, of which imul takes the low 32 bits
    const mixed = Math.imul(cells[order ? order[i]! : i]!, 0x9e3779b1);
    sum = (sum + Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b)) | 0;
  }
  return sum;
}
