// Facts about a table's vectors by field, and the change of a field's most frequent keys, for gates and align. Rows
// without a key, such as those of forgotten keys, are ignored.

import { finiteRows, rangesOf, type KeyedRows, type TableRows } from "../table/rows.js";
import type { Run } from "../table/run-directory.js";
import { isHole, type EmbeddingTable } from "../table/table.js";
import { hashBytes } from "../base/numeric/hash.js";
import { lengthOf } from "../table/retrieval/nearest.js";
import { sharedAt, sharedRows } from "./shared-rows.js";
import { diffVectors, type NeighborComparison } from "./table-diff.js";

/** Maximum number of common keys of a field whose neighbors are compared; the time grows with its square. */
const COMPARED_KEYS = 10_000;

export interface FieldFacts {
  rows: number;
  /** shares of zero rows, and of rows that duplicate another row */
  zero: number;
  duplicate: number;
  norm: { mean: number; median: number; p99: number };
}

/** Facts about a table: the number of vector components and weights that are NaN or infinite, and facts by field. */
export interface TableFacts {
  notFinite: number;
  /** by name; only fields that have rows with a key */
  fields: ReadonlyMap<string, FieldFacts>;
}

const SEED = { lo: 0x76656374, hi: 0x6f72 };

/** Memory has 16 bytes per row: equal vectors are those whose hashes of 64 bits are equal. */
export async function tableFacts(rows: TableRows): Promise<TableFacts> {
  const ranges = await rangesOf(rows);
  const norms = new Float64Array(rows.numRows);
  // the two halves of a hash are one number of 64 bits, by which vectors are sorted
  const hashes = new BigUint64Array(rows.numRows);
  const halves = new Uint32Array(hashes.buffer);
  const ofField = ranges.map(({ first }) => ({ start: first, end: first, zero: 0, hashed: first }));
  let notFinite = 0;
  for await (const { table } of rows.batches()) {
    notFinite += numNotFinite(table);
    const { dim, vectors, fieldOf } = table;
    const bytes = new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
    for (let row = 0; row < table.numRows; row++) {
      const field = ofField[fieldOf[row]!]!;
      const { first, last } = ranges[fieldOf[row]!]!;
      if (last - first > 1 && isHole(table, row)) continue;
      const norm = lengthOf(vectors, row * dim, dim);
      norms[field.end++] = norm;
      // a zero row counts only as zero, not as a duplicate
      if (norm === 0) {
        field.zero++;
        continue;
      }
      const { lo, hi } = hashBytes(bytes, 4 * row * dim, 4 * (row + 1) * dim, SEED);
      const at = 2 * field.hashed++;
      halves[at] = lo;
      halves[at + 1] = hi;
    }
  }
  const fields = new Map<string, FieldFacts>();
  for (const [f, { start, end, zero, hashed }] of ofField.entries()) {
    if (end === start) continue;
    const duplicate = numRepeated(hashes.subarray(start, hashed).sort());
    fields.set(rows.fields[f]!, factsOf(norms.subarray(start, end).sort(), zero, duplicate));
  }
  return { notFinite, fields };
}

function factsOf(sorted: Float64Array, zero: number, duplicate: number): FieldFacts {
  const rows = sorted.length;
  const at = (share: number) => sorted[Math.floor(share * (rows - 1))]!;
  const mean = sorted.reduce((sum, norm) => sum + norm, 0) / rows;
  return {
    rows,
    zero: zero / rows,
    duplicate: duplicate / rows,
    norm: { mean, median: at(0.5), p99: at(0.99) },
  };
}

/** Returns how many of sorted numbers are equal to the number before. */
function numRepeated(sorted: BigUint64Array): number {
  let repeated = 0;
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) repeated++;
  return repeated;
}

function numNotFinite({ vectors, weights = new Float32Array() }: EmbeddingTable): number {
  let found = 0;
  for (const values of [vectors, weights]) for (const value of values) if (!Number.isFinite(value)) found++;
  return found;
}

/** @throws {ArtifactError} a number of one of the run's tables is NaN or infinite */
export async function checkFinite(run: Pick<Run, "path" | "tables" | "withRows">): Promise<void> {
  for (const name of run.tables)
    await run.withRows(name, async (rows) => {
      for await (const _ of finiteRows(rows, run.path).batches());
    });
}

export interface Drift {
  keys: number;
  overlap: number | undefined;
  /** mean of 1 - cosine, after rotating one table to match the other; undefined if the dimensions differ */
  displacement: number | undefined;
}

/** Compares the vectors of a field's most frequent common keys. */
export async function driftOf(
  table: KeyedRows,
  earlier: KeyedRows,
  field: string,
  how: NeighborComparison,
): Promise<Drift> {
  const { inA, inB } = sharedRows(table.table, earlier.table, field);
  const frequent = mostFrequent(inA, table.table.counts);
  const shared = sharedAt({ inA: inB, inB: inA }, frequent);
  const { neighborOverlap, displacement } = await diffVectors(earlier.rows, table.rows, shared, how);
  return { keys: frequent.length, overlap: neighborOverlap, displacement: displacement?.mean };
}

/** Returns the positions of the COMPARED_KEYS rows with the greatest counts, in descending order of their counts. */
function mostFrequent(rows: Uint32Array, counts: Uint32Array): Uint32Array {
  // sorts numbers of 64 bits, whose upper half ascends as counts descend, and whose lower half is the position
  const order = new BigUint64Array(rows.length);
  const halves = new Uint32Array(order.buffer);
  for (let i = 0; i < rows.length; i++) {
    halves[2 * i] = i;
    halves[2 * i + 1] = 0xffffffff - counts[rows[i]!]!;
  }
  order.sort();
  return Uint32Array.from({ length: Math.min(rows.length, COMPARED_KEYS) }, (_, i) => halves[2 * i]!);
}

/** Returns f64[numRows]: the length of each row's vector. */
export async function normsOfRows(rows: TableRows): Promise<Float64Array> {
  const norms = new Float64Array(rows.numRows);
  for await (const { start, table } of rows.batches())
    for (let row = 0; row < table.numRows; row++)
      norms[start + row] = lengthOf(table.vectors, row * table.dim, table.dim);
  return norms;
}
