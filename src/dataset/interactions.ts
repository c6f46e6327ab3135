// Events as a sparse matrix, users x items: what a factorization of the two reads.
//
//   feature rows (a pair for the user, one for the item) ──► by user: its items, ascending; by item: its users
//
// Row r of either side is the id of its field: row 0 is out-of-vocabulary and stays empty.

import type { SparseRows } from "../kernels/als.js";
import type { FeatureRows } from "./rows.js";

/** The features of a field: ids are features less `first`. */
export interface FieldFeatures {
  first: number;
  count: number;
}

export interface Interactions {
  users: SparseRows;
  items: SparseRows;
  /** events without a known user or item */
  leftOut: number;
}

/** The pairs of the events: a pair's value is how many events it has. */
export function interactionsOf(rows: FeatureRows, user: FieldFeatures, item: FieldFeatures): Interactions {
  const pairs = pairsOf(rows, user, item, false);
  const byUser = mergeRepeats(groupBy(pairs.users, pairs.items, user.count));
  // grouping what is grouped by user keeps users ascending within an item
  const rowsOfEntries = new Uint32Array(byUser.indices.length);
  for (let r = 0; r < user.count; r++) rowsOfEntries.fill(r, byUser.indptr[r], byUser.indptr[r + 1]);
  const byItem = groupBy(byUser.indices, rowsOfEntries, item.count, byUser.values);
  return { users: byUser, items: byItem, leftOut: rows.numRows - pairs.users.length };
}

/** Each user's items by their ids, each once; 0 stands for all items that are unknown. */
export function itemsOfUsers(rows: FeatureRows, user: FieldFeatures, item: FieldFeatures): SparseRows {
  const pairs = pairsOf(rows, user, item, true);
  return mergeRepeats(groupBy(pairs.users, pairs.items, user.count));
}

/** The ids of each event that has both. */
function pairsOf(
  { numRows, width, indptr, ids }: FeatureRows,
  user: FieldFeatures,
  item: FieldFeatures,
  withUnknownItems: boolean,
): { users: Uint32Array; items: Uint32Array } {
  const users = new Uint32Array(numRows);
  const items = new Uint32Array(numRows);
  let kept = 0;
  for (let r = 0; r < numRows; r++) {
    let [u, i, hasItem] = [0, 0, false];
    const end = indptr ? indptr[r + 1]! : (r + 1) * width;
    for (let at = indptr ? indptr[r]! : r * width; at < end; at++) {
      const feature = ids[at]!;
      if (feature >= user.first && feature < user.first + user.count) u = feature - user.first;
      if (feature >= item.first && feature < item.first + item.count)
        [i, hasItem] = [feature - item.first, true];
    }
    if (u === 0 || !(withUnknownItems ? hasItem : i > 0)) continue;
    users[kept] = u;
    items[kept++] = i;
  }
  return { users: users.subarray(0, kept), items: items.subarray(0, kept) };
}

/** Entries (row, column) as rows, in their order within each. */
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
  return { indptr, indices, ...(grouped && { values: grouped }) };
}

/** Columns of each row ascending, each once; values are how often it was there, left out when all are 1. */
function mergeRepeats({ indptr, indices }: SparseRows): SparseRows {
  const merged = new Uint32Array(indptr.length);
  const values = new Float32Array(indices.length);
  let end = 0;
  for (let r = 0; r + 1 < indptr.length; r++) {
    const row = indices.slice(indptr[r], indptr[r + 1]).sort();
    for (let j = 0; j < row.length; j++) {
      if (j > 0 && row[j] === row[j - 1]) {
        values[end - 1]!++;
      } else {
        indices[end] = row[j]!;
        values[end++] = 1;
      }
    }
    merged[r + 1] = end;
  }
  const once = end === indices.length;
  return { indptr: merged, indices: indices.slice(0, end), ...(!once && { values: values.slice(0, end) }) };
}
