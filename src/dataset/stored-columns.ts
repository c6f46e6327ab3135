// Columns that stay on disk: a column is read completely when it is accessed, or a slice of all columns at a time.
//
// A stored column is a column whose cells are a getter. Columns that are derived from one (another form, other rows)
// are in memory, like every column that is not registered here.

import type { Cells } from "./collect.js";
import type { Column, Dataset } from "./dataset.js";

/** Most complete columns in the cache; the least recently used one is evicted. */
const KEPT = 3;

/** Reads cells of a column. */
export type ReadCells = (from: number, to: number) => Cells;

const stored = new WeakMap<Column, { read: ReadCells; cache: ColumnCache }>();

/** A cache of the complete columns that were read last. */
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

/** Returns a column with its cells on disk. @param column the column without cells */
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

/** Drops the cached cells of columns on disk; they are read again when accessed. */
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
