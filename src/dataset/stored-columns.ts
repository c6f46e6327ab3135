// Columns that stay on disk: a column is read completely when it is accessed, or a slice of all columns at a time.
//
// The cells of a stored column are a getter. Columns that are derived from a stored column, by another form or other
// rows, are in memory.

import type { Cells } from "./collect.js";
import type { Column, Dataset } from "./dataset.js";

/** Maximum number of complete columns in the cache, which evicts the least recently used column. */
const KEPT = 3;

/** Function that reads the cells of rows from .. to - 1 of a column. */
export type ReadCells = (from: number, to: number) => Cells;

const stored = new WeakMap<Column, { read: ReadCells; cache: ColumnCache }>();

/** Cache of the most recently read complete columns. */
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

/** Whether a dataset has columns on disk. */
export function isStored({ columns }: Pick<Dataset, "columns">): boolean {
  return columns.some((column) => stored.has(column));
}

/** Removes the cells of stored columns from the cache; the next access reads them again. */
export function releaseColumns({ columns }: Dataset): void {
  for (const column of columns) stored.get(column)?.cache.clear();
}

/** Reads rows from .. to - 1 of a dataset into memory. */
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
