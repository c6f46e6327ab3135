// Finds the rows of a file that an earlier file has as well, such as half an hour that was delivered again.
//
// Rows are compared by a hash of all their cells. Of a large log, the same sample of hashes is taken from every file,
// so that memory holds 4 bytes per row and about a million hashes.

import type { Dataset } from "../../dataset/dataset.js";
import { finish, mixWord } from "../../base/numeric/hash.js";
import type { RowGroup } from "./group-facts.js";

const MOST_ROWS = 2 ** 20;
/** Minimum number of compared rows; fewer may be equal by chance. */
const LEAST_ROWS = 10;

export interface RepeatedRows {
  /** share of the rows that an earlier group has */
  share: number;
  /** name of the group that has most of them; empty if none has one */
  of: string;
}

/** @param groups in the order of the rows @param mostRows approximate number of rows that are compared */
export function repeatedRows(
  dataset: Dataset,
  groups: readonly RowGroup[],
  mostRows = MOST_ROWS,
): (RepeatedRows | undefined)[] {
  const { numRows } = dataset;
  const first = rowHashes(dataset, undefined, numRows, 1);
  const limit = numRows <= mostRows ? 2 ** 32 : Math.floor((2 ** 32 * mostRows) / numRows);
  const bounds: number[] = [];
  const rows: number[] = [];
  for (const { start, end } of groups) {
    for (let row = start; row < end; row++) if (first[row]! < limit) rows.push(row);
    bounds.push(rows.length);
  }
  const second = rowHashes(dataset, rows, rows.length, 2);
  /** index of the first group with a row, by 53 bits of the row's hashes */
  const groupOf = new Map<number, number>();
  let i = 0;
  return groups.map((_, g) => {
    const from = i;
    const found = new Map<number, number>();
    for (; i < bounds[g]!; i++) {
      const key = first[rows[i]!]! * 2 ** 21 + (second[i]! >>> 11);
      const other = groupOf.get(key);
      if (other === undefined) groupOf.set(key, g);
      else if (other !== g) found.set(other, (found.get(other) ?? 0) + 1);
    }
    const compared = i - from;
    if (compared < LEAST_ROWS) return undefined;
    const counts = [...found].toSorted((a, b) => b[1] - a[1]);
    const repeated = counts.reduce((sum, [, count]) => sum + count, 0);
    return { share: repeated / compared, of: counts.length === 0 ? "" : groups[counts[0]![0]]!.name };
  });
}

/** Returns a 32-bit hash of each row, or of the named rows; columns are read one at a time. */
function rowHashes(
  { columns }: Dataset,
  rows: readonly number[] | undefined,
  length: number,
  seed: number,
): Uint32Array {
  const hashes = new Uint32Array(length).fill(seed);
  for (const column of columns) {
    const stored = column.kind === "number" ? column.values : column.codes;
    const words = column.kind === "number" ? 2 : 1;
    const cells = new Uint32Array(stored.buffer, stored.byteOffset, words * stored.length);
    for (let i = 0; i < length; i++) {
      const at = words * (rows ? rows[i]! : i);
      for (let word = at; word < at + words; word++) hashes[i] = mixWord(hashes[i]!, cells[word]!);
    }
  }
  return hashes.map(finish);
}
