// Functions that select rows of a dataset.

import { doublesAt } from "../numeric/indices.js";
import type { Column, Dataset, KeyColumn } from "./dataset.js";
import { MISSING, selectKeys } from "../log/keys.js";

/** Returns u32: the rows for which isKept returns true, in ascending order. */
export function rowsWhere(numRows: number, isKept: (row: number) => boolean): Uint32Array {
  const rows = new Uint32Array(numRows);
  let kept = 0;
  for (let row = 0; row < numRows; row++) if (isKept(row)) rows[kept++] = row;
  return rows.slice(0, kept);
}

/** Returns a dataset that contains only the given rows, with the same dictionaries. */
export function selectRows(dataset: Dataset, rows: Uint32Array): Dataset {
  const columns = dataset.columns.map((column): Column => {
    if (column.kind !== "number") return { ...column, codes: rows.map((row) => column.codes[row]!) };
    return { ...column, values: doublesAt(column.values, rows) };
  });
  const { firstOther: _, beside: __, ...rest } = dataset;
  return { ...rest, numRows: rows.length, columns };
}

/**
 * Returns a dataset that contains only the given rows and the keys of these rows, as if the log had only these rows.
 */
export function rowsAsLog(dataset: Dataset, rows: Uint32Array): Dataset {
  const selected = selectRows(dataset, rows);
  const columns = selected.columns.map((column) => (column.kind === "key" ? withOwnKeys(column) : column));
  return { ...selected, columns };
}

function withOwnKeys(column: KeyColumn): KeyColumn {
  const numbers = new Uint32Array(column.dictionary.size).fill(MISSING);
  const found = new Uint32Array(column.dictionary.size);
  let size = 0;
  const codes = column.codes.map((code) => {
    if (code === MISSING) return MISSING;
    if (numbers[code] === MISSING) {
      found[size] = code;
      numbers[code] = size++;
    }
    return numbers[code]!;
  });
  return { ...column, codes, dictionary: selectKeys(column.dictionary, found.subarray(0, size)) };
}
