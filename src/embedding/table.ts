// An embedding table: one vector per key of each field.

import { keyAt, type Keys } from "../log/keys.js";
import { UsageError, excerpt, nearestName } from "../errors.js";

/**
 * An embedding table. Rows are grouped by field, fields are in the log's column order, rows of a field by id
 * (descending count, then key bytes).
 */
export interface EmbeddingTable {
  dim: number;
  numRows: number;
  /** names of the fields; u32[numRows] indices into them, non-decreasing */
  fields: readonly string[];
  fieldOf: Uint32Array;
  /** one per row; a numeric field has one row, whose key is empty */
  keys: Keys;
  /** u32[numRows]: number of events of the training split with the key */
  counts: Uint32Array;
  /** f32[numRows], if the model has weights */
  weights?: Float32Array;
  /** f32[numRows * dim], row-major */
  vectors: Float32Array;
}

/** Consecutive rows first .. last - 1 of a table. */
export interface RowRange {
  first: number;
  last: number;
}

/**
 * Returns the rows of a field; all rows if no field is named.
 *
 * @throws {UsageError} the table has no such field; the message has the most similar name
 */
export function rowsOf(table: EmbeddingTable, field?: string): RowRange {
  if (field === undefined) return { first: 0, last: table.numRows };
  const f = fieldNumber(table.fields, field);
  return { first: firstRowAtOrAbove(table.fieldOf, f), last: firstRowAtOrAbove(table.fieldOf, f + 1) };
}

/** Returns a field's index in a table. @throws {UsageError} there is no such field; the message has the most similar name */
export function fieldNumber(fields: readonly string[], field: string): number {
  const f = fields.indexOf(field);
  if (f >= 0) return f;
  const nearest = nearestName(field, fields);
  const hint = nearest === undefined ? "" : ` Did you mean ${excerpt(nearest)}?`;
  throw new UsageError(
    `the table has no field ${excerpt(field)}; it has ${fields.map(excerpt).join(", ")}.${hint}`,
  );
}

/**
 * Returns the row of a key within a field.
 *
 * @throws {UsageError} no such field, or no such key; the message has the most similar among the field's 10,000 most
 * frequent keys
 */
export function rowOf(table: EmbeddingTable, field: string, key: string): number {
  const { first, last } = rowsOf(table, field);
  const { bytes, offsets } = table.keys;
  const wanted = Buffer.from(key, "utf8");
  for (let r = first; r < last; r++) {
    if (offsets[r + 1]! - offsets[r]! !== wanted.length) continue;
    if (wanted.equals(bytes.subarray(offsets[r], offsets[r + 1]))) return r;
  }
  const frequent = Array.from({ length: Math.min(last - first, 10_000) }, (_, i) =>
    keyAt(table.keys, first + i),
  );
  // edit distances of long keys are expensive, and a key of another length is not similar
  const nearest = nearestName(
    key,
    frequent.filter((candidate) => Math.abs(candidate.length - key.length) <= 2),
  );
  const hint = nearest === undefined ? "" : ` Did you mean ${excerpt(nearest)}?`;
  throw new UsageError(
    `field ${excerpt(field)} has no key ${excerpt(key)} among its ${last - first} rows.${hint}`,
  );
}

/**
 * Whether a row is a hole: `--row-order` keeps an earlier table's row numbers, and a removed key leaves a row without
 * key, events and vector.
 */
export function isHole({ keys, counts }: EmbeddingTable, row: number): boolean {
  return keys.offsets[row] === keys.offsets[row + 1] && counts[row] === 0;
}

/** Returns the keys of consecutive rows; their bytes are a view. */
export function keysOfRows({ keys: { bytes, offsets } }: EmbeddingTable, { first, last }: RowRange): Keys {
  const from = offsets[first]!;
  return {
    size: last - first,
    bytes: bytes.subarray(from, offsets[last]),
    offsets: offsets.slice(first, last + 1).map((end) => end - from),
  };
}

/**
 * Returns f32[rows.length * dim]: vectors of the given rows; zeros for a row number beyond the last, which marks a key
 * without a row.
 */
export function vectorsAt(
  { vectors, dim }: Pick<EmbeddingTable, "vectors" | "dim">,
  rows: Uint32Array,
): Float32Array {
  const picked = new Float32Array(rows.length * dim);
  rows.forEach((row, i) => picked.set(vectors.subarray(row * dim, (row + 1) * dim), i * dim));
  return picked;
}

/** Returns the rows with a zero vector. */
export function zeroRows({ vectors, dim }: Pick<EmbeddingTable, "vectors" | "dim">): number[] {
  const zeros: number[] = [];
  for (let row = 0; row * dim < vectors.length; row++)
    if (vectors.subarray(row * dim, (row + 1) * dim).every((x) => x === 0)) zeros.push(row);
  return zeros;
}

/** Returns a table of the given rows, which ascend; its arrays are copies. */
export function pickRows(table: EmbeddingTable, rows: Uint32Array): EmbeddingTable {
  const { dim, keys, weights } = table;
  const offsets = new Uint32Array(rows.length + 1);
  rows.forEach((row, i) => (offsets[i + 1] = offsets[i]! + keys.offsets[row + 1]! - keys.offsets[row]!));
  const bytes = new Uint8Array(offsets[rows.length]!);
  rows.forEach((row, i) =>
    bytes.set(keys.bytes.subarray(keys.offsets[row], keys.offsets[row + 1]), offsets[i]),
  );
  return {
    dim,
    numRows: rows.length,
    fields: table.fields,
    fieldOf: rows.map((row) => table.fieldOf[row]!),
    keys: { size: rows.length, bytes, offsets },
    counts: rows.map((row) => table.counts[row]!),
    ...(weights && { weights: Float32Array.from(rows, (row) => weights[row]!) }),
    vectors: vectorsAt(table, rows),
  };
}

function firstRowAtOrAbove(fieldOf: Uint32Array, f: number): number {
  let [low, high] = [0, fieldOf.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (fieldOf[middle]! < f) low = middle + 1;
    else high = middle;
  }
  return low;
}
