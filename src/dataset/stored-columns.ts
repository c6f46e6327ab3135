// Columns that stay on disk: each is read whole when it is asked for, and some rows of all of them at a time.
//
// A stored column is a column whose cells are a getter. What is derived from one (another form, other rows) is in memory, as
// every column is that is not known here.

import type { Cells } from "./collect.js";
import type { Column, Dataset } from "./dataset.js";

/** Whole columns that are kept at a time; the one used least recently goes. */
const KEPT = 3;

/** Reads cells of a column. */
export type ReadCells = (from: number, to: number) => Cells;

const stored = new WeakMap<Column, { read: ReadCells; cache: ColumnCache }>();

/** Whole columns that were read last. */
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

/** The column with its cells on disk. @param column without cells */
export function storedColumn(column: Column, numRows: number, read: ReadCells, cache: ColumnCache): Column {
  const own: Column = { ...column };
  Object.defineProperty(own, column.kind === "number" ? "values" : "codes", {
    get: () => cache.cellsOf(own, () => read(0, numRows)),
    enumerable: true,
  });
  stored.set(own, { read, cache });
  return own;
}

/** Whether some of a dataset's columns are on disk. */
export function isStored({ columns }: Pick<Dataset, "columns">): boolean {
  return columns.some((column) => stored.has(column));
}

/** Lets go of whole columns that were read from disk; what is asked for again is read again. */
export function releaseColumns({ columns }: Dataset): void {
  for (const column of columns) stored.get(column)?.cache.clear();
}

/** Rows from .. to - 1 of a dataset, in memory. */
export function sliceOf(dataset: Dataset, from: number, to: number): Dataset {
  const columns = dataset.columns.map((column): Column => {
    const { read } = stored.get(column) ?? {};
    if (column.kind === "number") {
      const values = read ? (read(from, to) as Float64Array) : column.values.subarray(from, to);
      return { kind: "number", name: column.name, values };
    }
    const codes = read ? (read(from, to) as Uint32Array) : column.codes.subarray(from, to);
    if (column.kind === "key")
      return { kind: "key", name: column.name, dictionary: column.dictionary, codes };
    const { kind, name, separator, indptr, values, weights, dictionary } = column;
    return { kind, name, separator, indptr, values, dictionary, codes, weights };
  });
  return { ...dataset, columns, numRows: to - from };
}
