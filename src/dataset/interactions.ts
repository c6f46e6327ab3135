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

/** The pairs of the events: a pair's value is how many events it has, each counting its row's weight. */
export function interactionsOf(rows: FeatureRows, user: FieldFeatures, item: FieldFeatures): Interactions {
  const pairs = pairsOf(rows, user, item, false);
  const byUser = mergeRepeats(sortedRows(pairs, user.count, item.count));
  // grouping what is grouped by user keeps users ascending within an item
  const byItem = groupBy(byUser.indices, rowOfEntries(byUser), item.count, byUser.values);
  return { users: byUser, items: byItem, leftOut: rows.numRows - pairs.users.length };
}

/** Each user's items by their ids, each once; 0 stands for all items that are unknown. */
export function itemsOfUsers(rows: FeatureRows, user: FieldFeatures, item: FieldFeatures): SparseRows {
  const pairs = pairsOf(rows, user, item, true);
  return mergeRepeats(sortedRows(pairs, user.count, item.count));
}

/** An entry an event. */
interface Pairs {
  users: Uint32Array;
  items: Uint32Array;
  weights?: Float32Array;
}

/** The ids of each event that has both. */
function pairsOf(
  { numRows, width, indptr, ids, weights: rowWeights }: FeatureRows,
  user: FieldFeatures,
  item: FieldFeatures,
  withUnknownItems: boolean,
): Pairs {
  const users = new Uint32Array(numRows);
  const items = new Uint32Array(numRows);
  const weights = rowWeights && new Float32Array(numRows);
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
    if (weights) weights[kept] = rowWeights[r]!;
    users[kept] = u;
    items[kept++] = i;
  }
  return {
    users: users.subarray(0, kept),
    items: items.subarray(0, kept),
    ...(weights && { weights: weights.subarray(0, kept) }),
  };
}

/** Events by user, items ascending and events of one item as they came: grouped by item first, then by user. */
function sortedRows({ users, items, weights }: Pairs, numUsers: number, numItems: number): SparseRows {
  const byItem = groupBy(items, users, numItems, weights);
  return groupBy(byItem.indices, rowOfEntries(byItem), numUsers, byItem.values);
}

/** The row of each entry. */
function rowOfEntries({ indptr, indices }: SparseRows): Uint32Array {
  const rows = new Uint32Array(indices.length);
  for (let r = 0; r + 1 < indptr.length; r++) rows.fill(r, indptr[r], indptr[r + 1]);
  return rows;
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

/** Repeats of a column within a row, which stand together, as one: values (1 where there are none) are added up. */
function mergeRepeats({ indptr, indices, values: given }: SparseRows): SparseRows {
  const merged = new Uint32Array(indptr.length);
  const values = new Float32Array(indices.length);
  const columns = new Uint32Array(indices.length);
  let end = 0;
  for (let r = 0; r + 1 < indptr.length; r++) {
    const first = end;
    for (let entry = indptr[r]!; entry < indptr[r + 1]!; entry++) {
      if (end === first || columns[end - 1] !== indices[entry]) columns[end++] = indices[entry]!;
      values[end - 1]! += given ? given[entry]! : 1;
    }
    merged[r + 1] = end;
  }
  const plain = !given && end === indices.length;
  return { indptr: merged, indices: columns.slice(0, end), ...(!plain && { values: values.slice(0, end) }) };
}
