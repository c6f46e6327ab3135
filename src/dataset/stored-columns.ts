// Columns that stay on disk: a column is read completely when it is accessed, or slice by slice.
//
// The cells of a stored column are a getter. Columns that are derived from a stored column, by another form or other
// rows, are in memory.

import type { Cells } from "./collect.js";
import { UsageError } from "../base/errors.js";
import {
  OwnCodes,
  rowsAsLog,
  type Column,
  type Dataset,
  type KeyColumn,
  type NumberColumn,
} from "./dataset.js";

/** Maximum number of rows that are read at a time. */
export const SLICE_ROWS = 1 << 16;

/** Maximum number of complete columns in the cache, which evicts the least recently used column. */
const KEPT = 3;

/** Function that reads the cells of rows from .. to - 1 of a column, into the given array if there is one. */
export type ReadCells = (from: number, to: number, into?: Cells) => Cells;

const stored = new WeakMap<Column, { read: ReadCells; cache: ColumnCache }>();

export class ColumnCache {
  readonly #kept = new Map<Column, Cells>();

  cellsOf(column: Column, read: () => Cells): Cells {
    const found = this.#kept.get(column);
    if (found && [...this.#kept.keys()].at(-1) === column) return found;
    const cells = found ?? read();
    this.#kept.delete(column);
    this.#kept.set(column, cells);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT) this.#kept.delete(oldest!);
    return cells;
  }

  clear(): void {
    this.#kept.clear();
  }
}

/** Returns a column whose cells are on disk. @param column the column without cells */
export function storedColumn(column: Column, numRows: number, read: ReadCells, cache: ColumnCache): Column {
  const own: Column = { ...column };
  Object.defineProperty(own, column.kind === "number" ? "values" : "codes", {
    get: () => cache.cellsOf(own, () => read(0, numRows)),
    enumerable: true,
  });
  stored.set(own, { read, cache });
  return own;
}

/** Does the same as rowsAsLog for rows in ascending order, but leaves columns on disk there. */
export function storedRowsAsLog(dataset: Dataset, rows: Uint32Array): Dataset {
  if (!isStored(dataset)) return rowsAsLog(dataset, rows);
  const cache = new ColumnCache();
  const columns = dataset.columns.map((column) => {
    let own: OwnCodes | undefined;
    const read: ReadCells = (from, to, into = newCells([column], to - from)[0]!) => {
      for (const slice of readSlices([column], rows.subarray(from, to))) {
        const [part] = slice.columns as [Column];
        const cells = part.kind === "number" ? part.values : part.codes;
        for (let i = 0; i < slice.rows.length; i++) into[slice.first + i] = cells[slice.rows[i]!]!;
      }
      own?.renumber(into.subarray(0, to - from) as Uint32Array);
      return into;
    };
    const [empty] = sliceOf([column], 0, 0) as [Column];
    if (column.kind !== "key") return storedColumn(empty, rows.length, read, cache);
    own = new OwnCodes();
    // the first reading finds the keys
    const some = new Uint32Array(SLICE_ROWS);
    for (let from = 0; from < rows.length; from += SLICE_ROWS)
      read(from, Math.min(rows.length, from + SLICE_ROWS), some);
    const dictionary = own.keysOf(column.dictionary);
    return storedColumn({ ...empty, dictionary } as KeyColumn, rows.length, read, cache);
  });
  return { ...dataset, numRows: rows.length, columns };
}

/** Whether a dataset has columns on disk. */
export function isStored({ columns }: { columns: readonly Column[] }): boolean {
  return columns.some((column) => stored.has(column));
}

/** Removes the cells of stored columns from the cache; the next access reads them again. */
export function releaseColumns({ columns }: Dataset): void {
  for (const column of columns) stored.get(column)?.cache.clear();
}

/** Reads rows from .. to - 1 into memory. @param into arrays of SLICE_ROWS cells for columns on disk */
export function sliceOf(columns: readonly Column[], from: number, to: number, into?: Cells[]): Column[] {
  return columns.map((column, c): Column => {
    const own = into?.[c]!.subarray(0, to - from);
    const { read } = stored.get(column) ?? {};
    if (column.kind === "number") {
      const values = read ? (read(from, to, own) as Float64Array) : column.values.subarray(from, to);
      return { kind: "number", name: column.name, values };
    }
    const codes = read ? (read(from, to, own) as Uint32Array) : column.codes.subarray(from, to);
    if (column.kind === "key")
      return { kind: "key", name: column.name, dictionary: column.dictionary, codes };
    const { kind, name, separator, indptr, values, weights, dictionary } = column;
    return { kind, name, separator, indptr, values, dictionary, codes, weights };
  });
}

/** A slice of columns, and the visited rows that are in it. The next slice overwrites those of columns on disk. */
export interface Slice {
  columns: readonly Column[];
  /** u32: indices of the rows in the columns */
  rows: Uint32Array;
  /** index of rows[0] among all rows that are visited */
  first: number;
}

/**
 * Yields rows of columns in slices; columns in memory are one slice.
 *
 * @param rows u32: if they are not in ascending order (inReadingOrder), columns on disk are read completely
 */
export function* slicesAt(columns: readonly Column[], rows: Uint32Array): Generator<Slice> {
  if (!isStored({ columns }) || !isAscending(rows)) yield { columns, rows, first: 0 };
  else yield* readSlices(columns, rows);
}

/** Returns u32[rows.length]: the codes of a column at the given rows. @param into array of at least that length */
export function codesIn(
  column: KeyColumn,
  rows: Uint32Array,
  into = new Uint32Array(rows.length),
): Uint32Array {
  for (const { columns, rows: own, first } of slicesAt([column], rows)) {
    const { codes } = columns[0] as KeyColumn;
    for (let i = 0; i < own.length; i++) into[first + i] = codes[own[i]!]!;
  }
  return into.subarray(0, rows.length);
}

/** Returns a dataset whose columns on disk are read into memory. */
export function inMemory<D extends Dataset>(dataset: D): D {
  const columns = dataset.columns.map((column) => (stored.has(column) ? { ...column } : column));
  releaseColumns(dataset);
  return { ...dataset, columns };
}

function* readSlices(columns: readonly Column[], rows: Uint32Array): Generator<Slice> {
  // slices share their arrays, because V8 would let gigabytes of dead ones accumulate
  const own = new Uint32Array(Math.min(SLICE_ROWS, rows.length));
  const cells = newCells(columns, SLICE_ROWS);
  for (let first = 0, end = 0; first < rows.length; first = end) {
    const from = rows[first]!;
    end = first + 1;
    while (end < Math.min(rows.length, first + SLICE_ROWS) && rows[end]! < from + SLICE_ROWS) end++;
    const slice = sliceOf(columns, from, rows[end - 1]! + 1, cells);
    for (let i = first; i < end; i++) own[i - first] = rows[i]! - from;
    yield { columns: slice, rows: own.subarray(0, end - first), first };
  }
}

/** Yields all numbers of a column in order, slice by slice, with the row of the first. */
export function* numbersOf(
  column: NumberColumn,
  numRows: number,
): Generator<[values: Float64Array, row: number]> {
  for (const [[slice], row] of allSlices([column], numRows)) yield [(slice as NumberColumn).values, row];
}

/** Returns the first row of a column whose cell has the given code; -1 if there is none. */
export function firstRowWith(code: number, column: KeyColumn, numRows: number): number {
  for (const [[slice], row] of allSlices([column], numRows)) {
    const at = (slice as KeyColumn).codes.indexOf(code);
    if (at >= 0) return row + at;
  }
  return -1;
}

/** Yields all rows in slices, with each slice's first row; the next slice overwrites those of columns on disk. */
export function* allSlices(
  columns: readonly Column[],
  numRows: number,
): Generator<[columns: readonly Column[], row: number]> {
  if (!isStored({ columns })) {
    yield [columns, 0];
    return;
  }
  const cells = newCells(columns, Math.min(SLICE_ROWS, numRows));
  for (let from = 0; from < numRows; from += SLICE_ROWS)
    yield [sliceOf(columns, from, Math.min(numRows, from + SLICE_ROWS), cells), from];
}

function newCells(columns: readonly Column[], numRows: number): Cells[] {
  return columns.map(({ kind }) =>
    kind === "number" ? new Float64Array(numRows) : new Uint32Array(numRows),
  );
}

/** Returns the rows in ascending order if a column is on disk, for computations that do not depend on the order. */
export function inReadingOrder(columns: readonly Column[], rows: Uint32Array): Uint32Array {
  return !isStored({ columns }) || isAscending(rows) ? rows : rows.toSorted();
}

/** Whether no row number is less than the one before it. */
export function isAscending(rows: Uint32Array): boolean {
  for (let i = 1; i < rows.length; i++) if (rows[i]! < rows[i - 1]!) return false;
  return true;
}

/** Returns an error about rows that are not in ascending order, which only a split by time of an unsorted log has. */
export function unsorted(): UsageError {
  return new UsageError(
    "a dataset larger than --max-memory must be sorted by time for --split time: sort the log before " +
      "encoding, use --split random, or raise --max-memory",
  );
}
