// Converts events to a sparse matrix of users and items, the input of factorizations.
//
//   feature rows (a pair for the user, one for the item) ──► by user: its items, ascending ──► transposed, by item: its users
//
// Row r of a matrix belongs to id r of its field: row 0 is out-of-vocabulary and stays empty.

import { groupStarts } from "../../base/numeric/groups.js";
import { firstOf, mapTo } from "../../base/numeric/indices.js";
import type { SparseRows } from "../../compute/kernels/als/binding.js";
import { featureReader, firstPair, type FeatureRows, type StoredRows } from "../rows.js";
import { SLICE_ROWS } from "../stored-columns.js";

/** Range of the features of a field: the id in the field is feature - first. */
export interface FieldFeatures {
  first: number;
  count: number;
}

export interface Interactions {
  /** the user-item pairs, grouped by user */
  users: SparseRows;
  /** number of dropped events, which lack a known user or a known item */
  leftOut: number;
}

/** Feature rows of events, in memory or read from disk block by block. */
export type EventRows = FeatureRows | StoredRows;

/** Returns the user-item pairs of the events. A pair's value is the sum of its events' weights, 1 each by default. */
export function interactionsOf(rows: EventRows, user: FieldFeatures, item: FieldFeatures): Interactions {
  if (!rows.weights) return countedInteractions(rows, user, item);
  const pairs = userItemIds(rows, user, item);
  const users = sparseOf(pairs.users, pairs.items, [user.count, item.count], pairs.weights);
  return { users, leftOut: rows.numRows - pairs.users.length };
}

/** Returns the interactions of events without weights, in little more memory than the result needs. */
function countedInteractions(rows: EventRows, user: FieldFeatures, item: FieldFeatures): Interactions {
  const numUsers = user.count;
  const ends = new Uint32Array(numUsers + 1);
  forEachEvent(rows, user, item, (u) => ends[u + 1]!++);
  for (let u = 0; u < numUsers; u++) ends[u + 1]! += ends[u]!;
  const items = new Uint32Array(ends[numUsers]!);
  const at = ends.slice();
  forEachEvent(rows, user, item, (u, i) => (items[at[u]!++] = i));

  // sorts the items of each user and counts repeated ones
  const indptr = new Uint32Array(numUsers + 1);
  let values: Float32Array | undefined;
  let kept = 0;
  for (let u = 0; u < numUsers; u++) {
    const own = items.subarray(ends[u], ends[u + 1]).sort();
    for (let j = 0; j < own.length; j++) {
      if (j === 0 || own[j] !== own[j - 1]) items[kept++] = own[j]!;
      else {
        values ??= new Float32Array(items.length).fill(1);
        values[kept - 1]!++;
      }
    }
    indptr[u + 1] = kept;
  }
  const users = {
    indptr,
    indices: firstOf(items, kept),
    ...(values && { values: values.subarray(0, kept) }),
  };
  return { users, leftOut: rows.numRows - items.length };
}

/** Calls a function with the user and the item of each event that has both, as ids of their fields. */
function forEachEvent(
  all: EventRows,
  user: FieldFeatures,
  item: FieldFeatures,
  visit: (user: number, item: number, row: number) => void,
): void {
  for (const { rows, first } of blocksOf(all)) {
    const featureAt = featureReader(rows);
    for (let r = 0; r < rows.numRows; r++) {
      let [u, i] = [0, 0];
      const end = firstPair(rows, r + 1);
      for (let at = firstPair(rows, r); at < end; at++) {
        const feature = featureAt(at);
        if (feature >= user.first && feature < user.first + user.count) u = feature - user.first;
        if (feature >= item.first && feature < item.first + item.count) i = feature - item.first;
      }
      if (u > 0 && i > 0) visit(u, i, first + r);
    }
  }
}

/** Yields the rows block by block, with the number of each block's first row; rows in memory are one block. */
function* blocksOf(rows: EventRows): Generator<{ rows: FeatureRows; first: number }> {
  if (!("rowsAt" in rows)) {
    yield { rows, first: 0 };
    return;
  }
  for (let first = 0; first < rows.numRows; first += SLICE_ROWS)
    yield { rows: rows.rowsAt(first, Math.min(SLICE_ROWS, rows.numRows - first), 1), first };
}

/**
 * Converts entries to rows with ascending columns; values of repeated entries are summed.
 *
 * @param values f32, one per entry; all 1 when absent
 */
export function sparseOf(
  rows: Uint32Array,
  columns: Uint32Array,
  [numRows, numColumns]: readonly [number, number],
  values?: Float32Array,
): SparseRows {
  // grouping by column and then by row sorts the columns of each row, and makes repeated entries adjacent
  return mergeRepeats(transpose(groupBy(columns, rows, numColumns, values), numRows));
}

/** Returns the ids of the user and the item of each event that has both. */
function userItemIds(
  rows: EventRows,
  user: FieldFeatures,
  item: FieldFeatures,
): { users: Uint32Array; items: Uint32Array; weights?: Float32Array } {
  const { numRows, weights: given } = rows;
  const users = new Uint32Array(numRows);
  const items = new Uint32Array(numRows);
  const weights = given && new Float32Array(numRows);
  let kept = 0;
  forEachEvent(rows, user, item, (u, i, r) => {
    if (weights) weights[kept] = given[r]!;
    users[kept] = u;
    items[kept++] = i;
  });
  return {
    users: users.subarray(0, kept),
    items: items.subarray(0, kept),
    ...(weights && { weights: weights.subarray(0, kept) }),
  };
}

/** Groups entries (row, column) by row, preserving the order within a row. */
function groupBy(
  rows: Uint32Array,
  columns: Uint32Array,
  numRows: number,
  values?: Float32Array,
): SparseRows {
  const indptr = groupStarts((e) => rows[e]!, rows.length, numRows);
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

/** Returns the transpose: the entries grouped by column, with ascending rows in each column. */
export function transpose({ indptr, indices, values }: SparseRows, numColumns: number): SparseRows {
  const rows = new Uint32Array(indices.length);
  for (let r = 0; r + 1 < indptr.length; r++) rows.fill(r, indptr[r], indptr[r + 1]);
  return groupBy(indices, rows, numColumns, values);
}

/** Sums adjacent repeated entries; omits the values if all are 1. */
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

/** Returns f64[numColumns]: the sum of each column's entries. */
export function columnSums({ indices, values }: SparseRows, numColumns: number): Float64Array {
  const sums = new Float64Array(numColumns);
  for (let e = 0; e < indices.length; e++) sums[indices[e]!]! += values ? values[e]! : 1;
  return sums;
}

/** Returns the matrix of blocks of its rows, which have values. */
export function joinedRows(blocks: readonly SparseRows[]): SparseRows {
  const sum = (of: (block: SparseRows) => number) => blocks.reduce((all, block) => all + of(block), 0);
  const numEntries = sum(({ indices }) => indices.length);
  const indptr = new Uint32Array(sum((block) => block.indptr.length - 1) + 1);
  const [indices, values] = [new Uint32Array(numEntries), new Float32Array(numEntries)];
  let [row, end] = [0, 0];
  for (const block of blocks) {
    block.indptr.forEach((own, r) => (indptr[row + r] = end + own));
    indices.set(block.indices, end);
    values.set(block.values!, end);
    row += block.indptr.length - 1;
    end += block.indices.length;
  }
  return { indptr, indices, values };
}

/** Collects the entries of a sparse matrix row by row. */
export class SparseWriter {
  #indices = new Uint32Array(1024);
  #values = new Float32Array(1024);
  readonly #ends = [0];
  #size = 0;

  add(column: number, value: number): void {
    if (this.#size === this.#indices.length) {
      const [indices, values] = [this.#indices, this.#values];
      this.#indices = new Uint32Array(2 * this.#size);
      this.#values = new Float32Array(2 * this.#size);
      this.#indices.set(indices);
      this.#values.set(values);
    }
    this.#indices[this.#size] = column;
    this.#values[this.#size++] = value;
  }

  get size(): number {
    return this.#size;
  }

  endRow(): void {
    this.#ends.push(this.#size);
  }

  rows(): SparseRows {
    const [indices, values] = [this.#indices.slice(0, this.#size), this.#values.slice(0, this.#size)];
    return { indptr: Uint32Array.from(this.#ends), indices, values };
  }
}
