// Some rows of a dataset as a dataset of their own.

import type { Column, Dataset } from "./dataset.js";

/** u32: the rows that are kept, ascending. */
export function rowsWhere(numRows: number, isKept: (row: number) => boolean): Uint32Array {
  const rows = new Uint32Array(numRows);
  let kept = 0;
  for (let row = 0; row < numRows; row++) if (isKept(row)) rows[kept++] = row;
  return rows.slice(0, kept);
}

/** The given rows as a dataset of their own; dictionaries are shared. */
export function selectRows(dataset: Dataset, rows: Uint32Array): Dataset {
  const columns = dataset.columns.map((column): Column => {
    if (column.kind !== "number") return { ...column, codes: rows.map((row) => column.codes[row]!) };
    return { ...column, values: Float64Array.from(rows, (row) => column.values[row]!) };
  });
  const { firstOther: _, beside: __, ...rest } = dataset;
  return { ...rest, numRows: rows.length, columns };
}
