// Rows of the same key in two tables: what is compared from one week to the next.

import { KeyIndex } from "../dataset/vocabulary/key-index.js";
import { isHole, keysOfRows, rowsOf, type EmbeddingTable } from "../embedding/table.js";

/** Row inA[i] of one table has the key of row inB[i] of the other; u32, of the whole tables, in the order of the first. */
export interface SharedRows {
  inA: Uint32Array;
  inB: Uint32Array;
}

/** The rows of a field that both tables have; holes, which stand for no key, are in none. */
export function sharedRows(a: EmbeddingTable, b: EmbeddingTable, field: string): SharedRows {
  const [rangeA, rangeB] = [rowsOf(a, field), rowsOf(b, field)];
  const keys = keysOfRows(a, rangeA);
  const index = new KeyIndex(keysOfRows(b, rangeB));
  const [inA, inB]: [number[], number[]] = [[], []];
  for (let row = 0; row < keys.size; row++) {
    const other = index.find(keys, row);
    // the one row of a numeric field has an empty key, too
    const stands = keys.size === 1 || !isHole(a, rangeA.first + row);
    if (other < 0 || !stands) continue;
    inA.push(rangeA.first + row);
    inB.push(rangeB.first + other);
  }
  return { inA: Uint32Array.from(inA), inB: Uint32Array.from(inB) };
}
