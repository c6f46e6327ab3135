// Converts events to a sparse matrix of users and items, the input of factorizations.
//
//   feature rows (a pair for the user, one for the item) ──► by user: its items, ascending; by item: its users
//
// Row r of either side is the id of its field: row 0 is out-of-vocabulary and stays empty.

import { mapTo } from "../../numeric/indices.js";
import type { SparseRows } from "../../kernels/als/binding.js";
import { firstPair, type FeatureRows } from "../rows.js";

/** The features of a field: id = feature - first. */
export interface FieldFeatures {
  first: number;
  count: number;
}

export interface Interactions {
  users: SparseRows;
  items: SparseRows;
  /** number of events without a known user or item */
  leftOut: number;
}

/** Returns the user-item pairs of the events; the value of a pair is the sum of its events' weights, which are 1 if absent. */
export function interactionsOf(rows: FeatureRows, user: FieldFeatures, item: FieldFeatures): Interactions {
  const pairs = userItemIds(rows, user, item);
  const users = sparseOf(pairs.users, pairs.items, [user.count, item.count], pairs.weights);
  return { users, items: transpose(users, item.count), leftOut: rows.numRows - pairs.users.length };
}

/**
 * Returns entries as rows with ascending columns; repeated entries are summed.
 *
 * @param values f32, one per entry; all 1 when absent
 */
export function sparseOf(
  rows: Uint32Array,
  columns: Uint32Array,
  [numRows, numColumns]: readonly [number, number],
  values?: Float32Array,
): SparseRows {
  // after grouping by column and then by row, columns are ascending, and repeated entries are adjacent
  return mergeRepeats(transpose(groupBy(columns, rows, numColumns, values), numRows));
}

/** Returns the user and item ids of each event that has both. */
function userItemIds(
  rows: FeatureRows,
  user: FieldFeatures,
  item: FieldFeatures,
): { users: Uint32Array; items: Uint32Array; weights?: Float32Array } {
  const { numRows, ids, weights: given } = rows;
  const users = new Uint32Array(numRows);
  const items = new Uint32Array(numRows);
  const weights = given && new Float32Array(numRows);
  let kept = 0;
  for (let r = 0; r < numRows; r++) {
    let [u, i] = [0, 0];
    const end = firstPair(rows, r + 1);
    for (let at = firstPair(rows, r); at < end; at++) {
      const feature = ids[at]!;
      if (feature >= user.first && feature < user.first + user.count) u = feature - user.first;
      if (feature >= item.first && feature < item.first + item.count) i = feature - item.first;
    }
    if (u === 0 || i === 0) continue;
    if (weights) weights[kept] = given[r]!;
    users[kept] = u;
    items[kept++] = i;
  }
  return {
    users: users.subarray(0, kept),
    items: items.subarray(0, kept),
    ...(weights && { weights: weights.subarray(0, kept) }),
  };
}

/** Groups entries (row, column) by row; the order within a row is kept. */
function groupBy(
  rows: Uint32Array,
  columns: Uint32Array,
  numRows: number,
  values?: Float32Array,
): SparseRows {
  const indptr = new Uint32Array(numRows + 1);
  for (const row of rows) indptr[row + 1]!++;
  for (let r = 0; r < numRows; r++) indptr[r + 1]! += indptr[r]!;
  const end = indptr.slice(0, numRows);
  const indices = new Uint32Array(columns.length);
  const grouped = values && new Float32Array(columns.length);
  for (let e = 0; e < rows.length; e++) {
    const at = end[rows[e]!]!++;
    indices[at] = columns[e]!;
    if (grouped) grouped[at] = values[e]!;
  }
  return { indptr, indices, values: grouped };
}

/** Returns the same entries by column, with ascending rows in each. */
export function transpose({ indptr, indices, values }: SparseRows, numColumns: number): SparseRows {
  const rows = new Uint32Array(indices.length);
  for (let r = 0; r + 1 < indptr.length; r++) rows.fill(r, indptr[r], indptr[r + 1]);
  return groupBy(indices, rows, numColumns, values);
}

/** Sums adjacent repeated entries; values are dropped if all are 1. */
function mergeRepeats({ indptr, indices, values }: SparseRows): SparseRows {
  const ends = new Uint32Array(indptr.length);
  const merged = { indices: new Uint32Array(indices.length), values: new Float32Array(indices.length) };
  let end = 0;
  for (let r = 0; r + 1 < indptr.length; r++) {
    for (let j = indptr[r]!; j < indptr[r + 1]!; j++) {
      const repeats = j > indptr[r]! && indices[j] === indices[j - 1];
      if (!repeats) merged.indices[end++] = indices[j]!;
      merged.values[end - 1]! += values ? values[j]! : 1;
    }
    ends[r + 1] = end;
  }
  const all = merged.values.subarray(0, end);
  const plain = all.every((value) => value === 1);
  return { indptr: ends, indices: merged.indices.slice(0, end), ...(!plain && { values: all.slice() }) };
}

/** Returns f64[numRows]: the sum of each row's entries. */
export function rowSums({ indptr, values }: SparseRows): Float64Array {
  return mapTo(Float64Array, { length: indptr.length - 1 }, (_, r) => {
    if (!values) return indptr[r + 1]! - indptr[r]!;
    let sum = 0;
    for (let e = indptr[r]!; e < indptr[r + 1]!; e++) sum += values[e]!;
    return sum;
  });
}
