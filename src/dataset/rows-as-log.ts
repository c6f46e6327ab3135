// Some rows of a dataset as if the log had held no others.

import { MISSING, selectKeys } from "../log/keys.js";
import type { Dataset, KeyColumn } from "./dataset.js";
import { selectRows } from "./select-rows.js";

/** The given rows, each column of keys with a dictionary of the keys that they hold: as a log of these rows alone is read. */
export function rowsAsLog(dataset: Dataset, rows: Uint32Array): Dataset {
  const selected = selectRows(dataset, rows);
  const columns = selected.columns.map((column) => (column.kind === "key" ? withOwnKeys(column) : column));
  return { ...selected, columns };
}

function withOwnKeys(column: KeyColumn): KeyColumn {
  const numbers = new Map<number, number>();
  const codes = column.codes.map((code) => {
    if (code === MISSING) return MISSING;
    const number = numbers.get(code) ?? numbers.size;
    numbers.set(code, number);
    return number;
  });
  return { ...column, codes, dictionary: selectKeys(column.dictionary, Uint32Array.from(numbers.keys())) };
}
