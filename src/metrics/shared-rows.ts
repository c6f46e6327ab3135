// Finds the keys that two tables have in common, and reads their vectors from both in blocks.

import { KeyIndex } from "../dataset/vocabulary/key-index.js";
import { ROWS_A_BATCH, vectorsOfRows, type TableRows } from "../table/rows.js";
import { isHole, keysOfRows, rowsOf, type EmbeddingTable, type RowRange } from "../table/table.js";
import type { Keys } from "../log/keys.js";
import { hashBytes, type Hash64 } from "../base/numeric/hash.js";

// Samples rows of a field by the smallest hashes of their keys, so that every table yields the same keys.

const SEED = { lo: 0x7265706f, hi: 0x7274 };

/** Returns at most `most` rows of a range that have a key, in ascending order. */
export function sampleRows(table: EmbeddingTable, { first, last }: RowRange, most: number): Uint32Array {
  const rows = new Uint32Array(last - first);
  let numRows = 0;
  for (let row = first; row < last; row++) if (!isHole(table, row)) rows[numRows++] = row;
  const standing = rows.subarray(0, numRows);
  return samplePlaces(table.keys, standing, most).map((i) => standing[i]!);
}

/** Returns the ascending positions in `rows` of at most `limit` rows. */
export function samplePlaces({ bytes, offsets }: Keys, rows: Uint32Array, limit: number): Uint32Array {
  const most = Math.floor(limit);
  const hashAt = (i: number): Hash64 => hashBytes(bytes, offsets[rows[i]!]!, offsets[rows[i]! + 1]!, SEED);
  if (rows.length <= most) return Uint32Array.from(rows.keys());
  // only rows whose upper half is small enough are sorted by the whole hash
  const upper = new Uint32Array(rows.length);
  for (let i = 0; i < rows.length; i++) upper[i] = hashAt(i).hi;
  const highest = upper.slice().sort()[most - 1]!;
  const candidates: { i: number; hash: Hash64 }[] = [];
  for (let i = 0; i < rows.length; i++) if (upper[i]! <= highest) candidates.push({ i, hash: hashAt(i) });
  candidates.sort((a, b) => a.hash.hi - b.hash.hi || a.hash.lo - b.hash.lo || a.i - b.i);
  return Uint32Array.from(candidates.slice(0, most), ({ i }) => i).sort();
}

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
