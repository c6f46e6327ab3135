// Counts the rows of each key. In each round, threads share the rows of one column.

import { MISSING } from "../../log/keys.js";

/** Arguments of all counting rounds; all arrays are in shared memory. */
export interface Counting {
  columns: readonly {
    codes: Uint32Array;
    /** output: number of rows of each key, u32[size of the dictionary] */
    events: Uint32Array;
  }[];
  /** u32: rows to count; all rows when absent */
  rows: Uint32Array | undefined;
}

/** Called once in each thread. @returns a function that counts the keys of a column */
export function start({ columns, rows }: Counting): (column: number) => void {
  return (column) => {
    const { codes, events } = columns[column]!;
    // resets the counts, because the calling thread repeats all rounds if another thread fails
    events.fill(0);
    const numRows = rows ? rows.length : codes.length;
    for (let i = 0; i < numRows; i++) {
      const code = codes[rows ? rows[i]! : i]!;
      if (code !== MISSING) events[code]!++;
    }
  };
}
