// Which columns the item determines: a negative replaces them together with the item, since otherwise the model would
// learn whether item and column match.
//
// A column is determined when an item's most frequent value covers nearly all of the item's events, and far more than
// the column's most frequent value does of all events:
//   miss = sum over items of (n_i - top_i) / sum of (n_i - 1),    base = (n - top) / (n - 1)
//   determined when miss <= 0.05 and miss <= 0.25 base
// where n_i is the item's events and top_i those with its most frequent value. Items of one event say nothing and add
// nothing to either sum. An empty cell is a value.

import { MISSING, type Column, type Dataset, type KeyColumn } from "./dataset.js";

const MAX_MISS = 0.05;
const MAX_MISS_OF_BASE = 0.25;

export interface ItemFields {
  /** names of the columns that go with the item, the item's own first */
  names: string[];
  /** u32[number of item codes]: a row that stands for the item in these columns, MISSING for an item without events */
  templateRow: Uint32Array;
}

/**
 * @param rows u32: the training part's rows
 * @param candidates names of feature columns, the item's and the user's left out
 * @param told the columns that the user named, instead of inference
 */
export function findItemFields(
  dataset: Dataset,
  rows: Uint32Array,
  item: KeyColumn,
  candidates: readonly string[],
  told?: readonly string[],
): ItemFields {
  const byItem = rowsByItem(item, rows);
  const determined = dataset.columns
    .filter(({ name }) => candidates.includes(name))
    .filter((column) => (told ? told.includes(column.name) : isDetermined(byItem, cellCodes(column))));
  // the row that stands for an item: its latest in the order of the rows among those with the most frequent values
  const templateRow = new Uint32Array(item.dictionary.size).fill(MISSING);
  const codes = determined.map(cellCodes);
  for (let code = 0; code < item.dictionary.size; code++) {
    const events = byItem.rows.subarray(byItem.indptr[code], byItem.indptr[code + 1]);
    if (events.length === 0) continue;
    let left = Array.from(events);
    for (const cells of codes) {
      const top = mostFrequent(left, cells).value;
      left = left.filter((row) => cells[row] === top);
    }
    templateRow[code] = left.at(-1)!;
  }
  return { names: [item.name, ...determined.map(({ name }) => name)], templateRow };
}

interface RowsByItem {
  indptr: Uint32Array;
  rows: Uint32Array;
}

function rowsByItem({ codes, dictionary }: KeyColumn, rows: Uint32Array): RowsByItem {
  const indptr = new Uint32Array(dictionary.size + 1);
  for (const row of rows) if (codes[row] !== MISSING) indptr[codes[row]! + 1]!++;
  for (let i = 0; i < dictionary.size; i++) indptr[i + 1]! += indptr[i]!;
  const sorted = new Uint32Array(indptr[dictionary.size]!);
  const end = indptr.slice();
  for (const row of rows) if (codes[row] !== MISSING) sorted[end[codes[row]!]!++] = row;
  return { indptr, rows: sorted };
}

/** u32[numRows]: a code a distinct cell; numbers are coded by their value. */
export function cellCodes(column: Column): Uint32Array {
  if (column.kind !== "number") return column.codes;
  const codeOf = new Map<number, number>();
  return Uint32Array.from(column.values, (x) => {
    if (Number.isNaN(x)) return MISSING;
    if (!codeOf.has(x)) codeOf.set(x, codeOf.size);
    return codeOf.get(x)!;
  });
}

function isDetermined({ indptr, rows }: RowsByItem, cells: Uint32Array): boolean {
  let chances = 0;
  for (let item = 0; item + 1 < indptr.length; item++)
    chances += Math.max(0, indptr[item + 1]! - indptr[item]! - 1);
  if (chances === 0) return false;
  let misses = 0;
  for (let item = 0; item + 1 < indptr.length; item++) {
    const events = rows.subarray(indptr[item], indptr[item + 1]);
    if (events.length < 2) continue;
    misses += events.length - mostFrequent(events, cells).count;
    // most columns are given up after a few items
    if (misses / chances > MAX_MISS) return false;
  }
  const base = (rows.length - mostFrequent(rows, cells).count) / (rows.length - 1);
  return misses / chances <= MAX_MISS_OF_BASE * base;
}

/** The most frequent code among the rows' cells; the earliest seen among equals. */
function mostFrequent(rows: ArrayLike<number>, cells: Uint32Array): { value: number; count: number } {
  const counts = new Map<number, number>();
  for (let i = 0; i < rows.length; i++) counts.set(cells[rows[i]!]!, (counts.get(cells[rows[i]!]!) ?? 0) + 1);
  let [value, count] = [MISSING, 0];
  for (const [code, n] of counts) if (n > count) [value, count] = [code, n];
  return { value, count };
}
