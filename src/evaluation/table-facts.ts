// Facts about a table's vectors by field, and the comparison of the common keys of two tables, for gates, align and
// diff. Rows without a key, such as those of forgotten keys, are ignored.

import type { Keys } from "../log/keys.js";
import { KeyIndex } from "../dataset/vocabulary/key-index.js";
import { isHole, keysOfRows, rowsOf, type EmbeddingTable, vectorsAt } from "../embedding/table.js";
import { diffVectors } from "./table-diff.js";
import { lengthOf } from "../retrieval/nearest.js";

/** Maximum number of common keys of a field whose neighbors are compared; the time grows with its square. */
export const COMPARED_KEYS = 10_000;

export interface FieldFacts {
  rows: number;
  /** shares of zero rows, and of rows that duplicate another row */
  zero: number;
  duplicate: number;
  norm: { mean: number; median: number; p99: number };
}

/** Counts the vector components and weights that are NaN or infinite. */
export function numNotFinite({ vectors, weights = new Float32Array() }: EmbeddingTable): number {
  let found = 0;
  for (const values of [vectors, weights]) for (const value of values) if (!Number.isFinite(value)) found++;
  return found;
}

/** Measures the vectors of a field. @returns undefined if the field has no rows */
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
    // a zero row counts only as zero; of other equal rows, the index finds the last one, so the others are duplicates
    // of it
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

/** Returns the bytes of each vector as a key, so that an index of keys finds equal vectors. */
function bitsOf({ vectors, dim }: EmbeddingTable, first: number, last: number): Keys {
  const [size, width] = [last - first, vectors.BYTES_PER_ELEMENT * dim];
  const bytes = new Uint8Array(vectors.buffer, vectors.byteOffset + first * width, size * width);
  return { size, bytes, offsets: Uint32Array.from({ length: size + 1 }, (_, i) => i * width) };
}

/** Change of a field's vectors since an earlier table. */
export interface Drift {
  /** number of keys that were compared */
  keys: number;
  overlap: number | undefined;
  /** mean of 1 - cosine, after rotating one table to match the other; undefined if the dimensions differ */
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
  const [inA, inB]: [number[], number[]] = [[], []];
  for (let row = 0; row < keys.size; row++) {
    const other = index.find(keys, row);
    // an empty key marks a row without a key, except in the single row of a numeric field
    const stands = keys.size === 1 || !isHole(a, rangeA.first + row);
    if (other < 0 || !stands) continue;
    inA.push(rangeA.first + row);
    inB.push(rangeB.first + other);
  }
  return { inA: Uint32Array.from(inA), inB: Uint32Array.from(inB) };
}
