// Counts the rows of each key of several columns. Threads share the columns: each takes the next one until none is
// left.

import { MISSING } from "../../log/keys.js";

/** Input and output of the counting, which all threads share; all arrays are in shared memory. */
export interface Counting {
  columns: readonly {
    codes: Uint32Array;
    /** output: number of rows of each key, u32[size of the dictionary] */
    events: Uint32Array;
  }[];
  /** u32: rows to count; all rows when absent */
  rows: Uint32Array | undefined;
}

/** Called once in each thread. @returns a function that counts the rows of each key of the column with a given index */
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
