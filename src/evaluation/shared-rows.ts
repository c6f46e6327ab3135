// Finds the keys that two tables have in common, and reads their vectors from both in blocks.

import { KeyIndex } from "../dataset/vocabulary/key-index.js";
import { ROWS_A_BATCH, vectorsOfRows, type TableRows } from "../embedding/rows.js";
import { isHole, keysOfRows, rowsOf, type EmbeddingTable } from "../embedding/table.js";

/** Rows of common keys, u32: row inA[i] of one table, ascending, has the same key as row inB[i] of the other. */
export interface SharedRows {
  inA: Uint32Array;
  inB: Uint32Array;
}

/** Returns the rows of a field whose keys are in both tables. */
export function sharedRows(a: EmbeddingTable, b: EmbeddingTable, field: string): SharedRows {
  const [rangeA, rangeB] = [rowsOf(a, field), rowsOf(b, field)];
  const keys = keysOfRows(a, rangeA);
  const index = new KeyIndex(keysOfRows(b, rangeB));
  const [inA, inB] = [new Uint32Array(keys.size), new Uint32Array(keys.size)];
  let size = 0;
  for (let row = 0; row < keys.size; row++) {
    const other = index.find(keys, row);
    // an empty key marks a row without a key, except in the single row of a numeric field
    const stands = keys.size === 1 || !isHole(a, rangeA.first + row);
    if (other < 0 || !stands) continue;
    inA[size] = rangeA.first + row;
    inB[size++] = rangeB.first + other;
  }
  return { inA: inA.slice(0, size), inB: inB.slice(0, size) };
}

/** Returns the pairs of rows at the given positions. */
export function sharedAt({ inA, inB }: SharedRows, places: Uint32Array): SharedRows {
  return { inA: places.map((i) => inA[i]!), inB: places.map((i) => inB[i]!) };
}

/** Vectors of the same keys in two tables, f32[n * dim] each. */
export interface VectorPairs {
  /** position of the first pair among all pairs */
  first: number;
  a: Float32Array;
  b: Float32Array;
}

/** Maximum number of bytes of the second table's vectors in memory; tests lower it. */
export const pairedBytes = { most: 1 << 30 };

/**
 * Returns a function that yields the vectors of shared rows in batches, in the order of the first table. The rows of the
 * second table are in another order: it is read once for as many of its vectors as memory may have. If these are all,
 * they are read once for all calls.
 */
export function pairedVectors(
  a: TableRows,
  b: TableRows,
  { inA, inB }: SharedRows,
): () => AsyncGenerator<VectorPairs> {
  const size = Math.max(1, Math.floor(pairedBytes.most / (4 * Math.max(b.dim, 1))));
  let all: Float32Array | undefined;
  return async function* () {
    for (let start = 0; start < inA.length; start += size) {
      const end = Math.min(start + size, inA.length);
      const others = all ?? (await vectorsOfRows(b, inB.subarray(start, end)));
      if (inA.length <= size) all = others;
      for (let first = start; first < end; first += ROWS_A_BATCH) {
        const last = Math.min(first + ROWS_A_BATCH, end);
        yield {
          first,
          a: await vectorsOfRows(a, inA.subarray(first, last)),
          b: others.subarray((first - start) * b.dim, (last - start) * b.dim),
        };
      }
    }
  };
}
