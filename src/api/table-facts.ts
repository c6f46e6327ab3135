// Facts of a table's vectors, a field at a time, and of rows of the same key in two tables: what gates measure after training, and what
// align and diff compare. Holes, which stand for no key, do not count.

import type { Keys } from "../log/keys.js";
import { KeyIndex } from "../dataset/vocabulary/key-index.js";
import { isHole, keysOfRows, rowsOf, type EmbeddingTable, vectorsAt } from "../embedding/table.js";
import { diffVectors } from "../evaluation/table-diff.js";
import { lengthOf } from "../retrieval/nearest.js";

/** Neighbors are compared among so many of a field's most frequent common keys: those of all pairs grow with the square. */
export const COMPARED_KEYS = 10_000;

export interface FieldFacts {
  rows: number;
  /** share of the rows */
  zero: number;
  duplicate: number;
  norm: { mean: number; median: number; p99: number };
}

/** Numbers of a table, vectors and weights alike, that are NaN or infinite. */
export function numNotFinite({ vectors, weights = new Float32Array() }: EmbeddingTable): number {
  let found = 0;
  for (const values of [vectors, weights]) for (const value of values) if (!Number.isFinite(value)) found++;
  return found;
}

/** @returns undefined for a field without rows */
export function fieldFacts(table: EmbeddingTable, field: string): FieldFacts | undefined {
  const { vectors, dim } = table;
  const { first, last } = rowsOf(table, field);
  const index = new KeyIndex(bitsOf(table, first, last));
  const norms: number[] = [];
  let [zero, duplicate] = [0, 0];
  for (let row = first; row < last; row++) {
    if (last - first > 1 && isHole(table, row)) continue;
    const norm = lengthOf(vectors, row * dim, dim);
    norms.push(norm);
    // zero rows are equal, and counted once as what they are; of other equal ones the index knows the last
    if (norm === 0) zero++;
    else if (index.find(bitsOf(table, row, row + 1), 0) !== row - first) duplicate++;
  }
  const rows = norms.length;
  if (rows === 0) return undefined;
  const sorted = Float64Array.from(norms).sort();
  const at = (share: number) => sorted[Math.floor(share * (rows - 1))]!;
  const mean = sorted.reduce((sum, norm) => sum + norm, 0) / rows;
  return {
    rows,
    zero: zero / rows,
    duplicate: duplicate / rows,
    norm: { mean, median: at(0.5), p99: at(0.99) },
  };
}

/** Vectors of rows as keys: equal ones have equal bytes. */
function bitsOf({ vectors, dim }: EmbeddingTable, first: number, last: number): Keys {
  const [size, width] = [last - first, vectors.BYTES_PER_ELEMENT * dim];
  const bytes = new Uint8Array(vectors.buffer, vectors.byteOffset + first * width, size * width);
  return { size, bytes, offsets: Uint32Array.from({ length: size + 1 }, (_, i) => i * width) };
}

/** How a field's vectors stand to an earlier table's. */
export interface Drift {
  /** keys that were compared */
  keys: number;
  overlap: number | undefined;
  /** mean of 1 - cosine, after turning one field onto the other; undefined where dimensions differ */
  displacement: number | undefined;
}

export async function driftOf(
  table: EmbeddingTable,
  earlier: EmbeddingTable,
  field: string,
  k: number,
  how: { threads: number; signal?: AbortSignal },
): Promise<Drift> {
  const { inA, inB } = sharedRows(table, earlier, field);
  const frequent = Uint32Array.from(inA.keys())
    .sort((i, j) => table.counts[inA[j]!]! - table.counts[inA[i]!]! || i - j)
    .subarray(0, COMPARED_KEYS);
  const rows = (all: Uint32Array) => frequent.map((i) => all[i]!);
  const { neighborOverlap, displacement } = await diffVectors(
    vectorsAt(earlier, rows(inB)),
    vectorsAt(table, rows(inA)),
    [earlier.dim, table.dim],
    k,
    how,
  );
  return { keys: frequent.length, overlap: neighborOverlap, displacement: displacement?.mean };
}

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
