import { keyAt, type Keys } from "../log/keys.js";
import { UsageError, excerpt, nearestName } from "../base/errors.js";

/**
 * An embedding table. Rows are grouped by field. Fields are in the column order of the log. The rows of a field are
 * sorted by descending count, then by the bytes of the key.
 */
export interface EmbeddingTable {
  dim: number;
  numRows: number;
  /** names of the fields; `fieldOf` is u32[numRows], ascending: index of each row's field */
  fields: readonly string[];
  fieldOf: Uint32Array;
  /** key of each row; a numeric field has a single row, whose key is empty */
  keys: Keys;
  /** u32[numRows]: number of training events with the row's key */
  counts: Uint32Array;
  /** f32[numRows]: weight of each row; absent if the model has no weights */
  weights?: Float32Array;
  /** vector of each row, f32[numRows * dim], row-major */
  vectors: Float32Array;
}

/** A range of rows of a table: first .. last - 1. */
export interface RowRange {
  first: number;
  last: number;
}

/** Returns the range of rows of a field; all rows if undefined. @throws {UsageError} the table has no such field */
export function rowsOf(table: EmbeddingTable, field?: string): RowRange {
  if (field === undefined) return { first: 0, last: table.numRows };
  const f = fieldNumber(table.fields, field);
  return { first: firstRowAtOrAbove(table.fieldOf, f), last: firstRowAtOrAbove(table.fieldOf, f + 1) };
}

/** @throws {UsageError} the table has no such field; the message suggests the most similar name */
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
 * @throws {UsageError} the table has no such field or key; the message suggests the most similar one of the field's
 * 10,000 most frequent keys
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
  // computes no edit distance for long keys, which would be slow, nor for keys of a different length, which are not
  // similar
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
 * Returns whether a row is a hole. `--row-order` gives keys the row numbers of an earlier table; the row of a key that
 * has been removed since then is a hole, without key, events and vector.
 */
export function isHole({ keys, counts }: EmbeddingTable, row: number): boolean {
  return keys.offsets[row] === keys.offsets[row + 1] && counts[row] === 0;
}

/** Returns the keys of a range of rows; their bytes are a view of the table's. */
export function keysOfRows({ keys: { bytes, offsets } }: EmbeddingTable, { first, last }: RowRange): Keys {
  const from = offsets[first]!;
  return {
    size: last - first,
    bytes: bytes.subarray(from, offsets[last]),
    offsets: offsets.slice(first, last + 1).map((end) => end - from),
  };
}

/** Returns f32[rows.length * dim]: vectors of the rows. A number beyond the last row is a key without one: vector 0. */
export function vectorsAt(
  { vectors, dim }: Pick<EmbeddingTable, "vectors" | "dim">,
  rows: Uint32Array,
): Float32Array {
  const picked = new Float32Array(rows.length * dim);
  rows.forEach((row, i) => picked.set(vectors.subarray(row * dim, (row + 1) * dim), i * dim));
  return picked;
}

export function zeroRows({ vectors, dim }: Pick<EmbeddingTable, "vectors" | "dim">): number[] {
  const zeros: number[] = [];
  for (let row = 0; row * dim < vectors.length; row++)
    if (vectors.subarray(row * dim, (row + 1) * dim).every((x) => x === 0)) zeros.push(row);
  return zeros;
}

/** Returns a table of the given rows, whose numbers ascend; its arrays are copies. */
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
