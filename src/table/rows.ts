// Access to the rows of a table in batches, so that the whole table need not be in memory.
//
//   tableRows     batches of a table in memory, as views of its arrays
//   wholeFields   batches of a table in memory in the sizes that its file has
//   arrowRows     batches of embeddings.arrow, read from the disk (arrow.ts)
//   laterRows     batches without vectors, which are read while a table is written
//   loadRows      reads all batches into a table in memory
//   vectorsOfRows reads the vectors of some rows

import { ArtifactError, excerpt } from "../base/errors.js";
import { keyAt } from "../log/keys.js";
import { fieldNumber, keysOfRows, pickRows, rowsOf, type EmbeddingTable, type RowRange } from "./table.js";

export const ROWS_A_BATCH = 65_536;

/** A batch of consecutive rows as a table, whose arrays may be views of a larger table's arrays. */
export interface TableBatch {
  /** row number of the batch's first row in the whole table */
  start: number;
  table: EmbeddingTable;
}

/** The rows and columns that one pass over a table reads. */
export interface RowPass {
  /** range of rows to read; all rows when absent */
  range?: RowRange;
  /** false: `vectors` of each batch is empty, so that a pass reads about a tenth of the bytes */
  vectors?: boolean;
}

/** A table's shape, and functions that read its rows any number of times. */
export interface TableRows {
  dim: number;
  numRows: number;
  fields: readonly string[];
  hasWeights: boolean;
  /**
   * Yields batches in the order of the rows; an empty range has none.
   * @throws {ArtifactError} while iterating: damaged bytes
   */
  batches: (pass?: RowPass) => AsyncIterable<TableBatch>;
  /**
   * Returns f32[rows * dim]: vectors that the batches do not contain. `vectors` of each batch is then an array that was
   * never written, which takes no physical memory. Only used to write a table.
   */
  laterVectors?: (range: RowRange) => Float32Array | Promise<Float32Array>;
}

/** Returns the rows of a run's table; reading them throws an ArtifactError if a vector or weight is not finite. */
export function finiteRows(rows: TableRows, run: string): TableRows {
  return {
    ...rows,
    async *batches(pass) {
      for await (const batch of rows.batches(pass)) {
        const { vectors, weights = new Float32Array(), dim, fields, fieldOf, keys } = batch.table;
        const at = vectors.findIndex((value) => !Number.isFinite(value));
        const row = at < 0 ? weights.findIndex((value) => !Number.isFinite(value)) : Math.floor(at / dim);
        if (row >= 0)
          throw new ArtifactError(
            `run '${run}': the vector or weight of ${excerpt(`${fields[fieldOf[row]!]!}:${keyAt(keys, row)}`)} is not ` +
              "finite; train again",
          );
        yield batch;
      }
    },
  };
}

/** Returns rows first .. last - 1 of a table as a table whose arrays are views. */
export function sliceRows(table: EmbeddingTable, { first, last }: RowRange): EmbeddingTable {
  const { dim, weights } = table;
  return {
    dim,
    numRows: last - first,
    fields: table.fields,
    fieldOf: table.fieldOf.subarray(first, last),
    keys: keysOfRows(table, { first, last }),
    counts: table.counts.subarray(first, last),
    ...(weights && { weights: weights.subarray(first, last) }),
    vectors: table.vectors.subarray(first * dim, last * dim),
  };
}

/** Maximum number of bytes of a column in a batch; apache-arrow rounds lengths up in 32-bit arithmetic. */
const MOST_BYTES = 2 ** 31 - 16;

/**
 * Returns the rows in as few batches as possible, so that a reader can map a field's vectors as one array: a batch has
 * whole fields, unless a single field exceeds the limit of a batch.
 */
export function wholeFields(table: EmbeddingTable, mostBytes = MOST_BYTES): TableRows {
  const { dim, numRows, fields, keys } = table;
  const ends = fields.map((name) => rowsOf(table, name).last);
  const fits = (start: number, last: number): boolean =>
    4 * Math.max(dim, 1) * (last - start) <= mostBytes &&
    keys.offsets[last]! - keys.offsets[start]! <= mostBytes;
  const lastAfter = (start: number): number => {
    const whole = ends.findLast((end) => end > start && fits(start, end));
    if (whole !== undefined) return whole;
    let last = ends.find((end) => end > start)!;
    while (!fits(start, last)) last = start + Math.ceil((last - start) / 2);
    return last;
  };
  return {
    ...tableRows(table),
    async *batches() {
      for (let [start, last] = [0, 0]; start < numRows; start = last) {
        last = lastAfter(start);
        yield { start, table: sliceRows(table, { first: start, last }) };
      }
    },
  };
}

/** Returns rows whose vectors are read while the table is written; the batches are those of wholeFields. */
export function laterRows(
  keyed: Omit<EmbeddingTable, "vectors">,
  laterVectors: NonNullable<TableRows["laterVectors"]>,
  mostBytes = MOST_BYTES,
): TableRows {
  const rows = wholeFields({ ...keyed, vectors: new Float32Array(0) }, mostBytes);
  return {
    ...rows,
    laterVectors,
    async *batches() {
      for await (const { start, table } of rows.batches())
        yield { start, table: { ...table, vectors: new Float32Array(table.numRows * table.dim) } };
    },
  };
}

/** Returns the rows of a table in memory, in batches of ROWS_A_BATCH rows. */
export function tableRows(table: EmbeddingTable): TableRows {
  const { dim, numRows, fields } = table;
  return {
    dim,
    numRows,
    fields,
    hasWeights: table.weights !== undefined,
    async *batches({ range = { first: 0, last: numRows } } = {}) {
      for (let start = range.first; start < range.last; start += ROWS_A_BATCH) {
        const last = Math.min(start + ROWS_A_BATCH, range.last);
        yield { start, table: sliceRows(table, { first: start, last }) };
      }
    },
  };
}

/** Returns the rows of a range as if the table had no other rows. */
export function rowsWithin(rows: TableRows, range: RowRange): TableRows {
  return {
    ...rows,
    numRows: range.last - range.first,
    async *batches({ range: own = { first: 0, last: range.last - range.first }, vectors = true } = {}) {
      const part = { first: range.first + own.first, last: range.first + own.last };
      for await (const { start, table } of rows.batches({ range: part, vectors }))
        yield { start: start - range.first, table };
    },
  };
}

/** Returns a table of empty keys, no events and zero vectors. @param width dimensions of the array of vectors */
export function emptyTable(
  { dim, fields, hasWeights }: Omit<TableRows, "batches" | "numRows">,
  numRows = 0,
  width = dim,
): EmbeddingTable {
  return {
    dim,
    numRows,
    fields,
    fieldOf: new Uint32Array(numRows),
    keys: { size: numRows, bytes: new Uint8Array(0), offsets: new Uint32Array(numRows + 1) },
    counts: new Uint32Array(numRows),
    ...(hasWeights && { weights: new Float32Array(numRows) }),
    vectors: new Float32Array(numRows * width),
  };
}

/** Reads all rows into a table of copies. @param pass `vectors: false`: the table's array of vectors is empty */
export async function loadRows(
  rows: TableRows,
  { vectors = true }: Pick<RowPass, "vectors"> = {},
): Promise<EmbeddingTable> {
  const { dim, numRows } = rows;
  const table = emptyTable(rows, numRows, vectors ? dim : 0);
  const offsets = new Uint32Array(numRows + 1);
  const parts: Uint8Array[] = [];
  let end = 0;
  for await (const { start, table: batch } of rows.batches({ vectors })) {
    table.fieldOf.set(batch.fieldOf, start);
    table.counts.set(batch.counts, start);
    if (batch.weights) table.weights?.set(batch.weights, start);
    if (vectors) table.vectors.set(batch.vectors, start * dim);
    for (let i = 1; i <= batch.numRows; i++) offsets[start + i] = end + batch.keys.offsets[i]!;
    parts.push(batch.keys.bytes);
    end += batch.keys.bytes.length;
  }
  table.keys = { size: numRows, bytes: Buffer.concat(parts), offsets };
  return table;
}

/** A table whose keys, counts and weights are in memory; `table.vectors` is empty, and `rows` has the vectors. */
export interface KeyedRows {
  table: EmbeddingTable;
  rows: TableRows;
}

/** Reads all columns but the vectors. */
export async function keyedRows(rows: TableRows): Promise<KeyedRows> {
  return { table: await loadRows(rows, { vectors: false }), rows };
}

/**
 * Reads f32[picked.length * dim]: the vectors of the given rows, in any order. A row number beyond the last row stands
 * for a key without a row, whose vector is 0. Each row between two picked rows is read at most once.
 */
export async function vectorsOfRows(rows: TableRows, picked: Uint32Array): Promise<Float32Array> {
  const { dim, numRows } = rows;
  const vectors = new Float32Array(picked.length * dim);
  // sorts pairs of row and position as numbers of 64 bits, whose upper half is the row
  const pairs = new BigUint64Array(picked.length);
  const halves = new Uint32Array(pairs.buffer);
  for (let i = 0; i < picked.length; i++) {
    halves[2 * i] = i;
    halves[2 * i + 1] = picked[i]!;
  }
  pairs.sort();
  const rowAt = (i: number) => (i < picked.length ? halves[2 * i + 1]! : numRows);
  for (let at = 0; rowAt(at) < numRows;) {
    // rows in gaps of more than a batch are not read
    let end = at + 1;
    while (rowAt(end) < Math.min(numRows, rowAt(end - 1) + ROWS_A_BATCH)) end++;
    const range = { first: rowAt(at), last: rowAt(end - 1) + 1 };
    for await (const { start, table } of rows.batches({ range })) {
      for (; at < end && rowAt(at) < start + table.numRows; at++) {
        const from = (rowAt(at) - start) * dim;
        vectors.set(table.vectors.subarray(from, from + dim), halves[2 * at]! * dim);
      }
    }
  }
  return vectors;
}

/** Returns a table of the given rows, whose numbers ascend. */
export async function pickedTable({ table, rows }: KeyedRows, picked: Uint32Array): Promise<EmbeddingTable> {
  return { ...pickRows(table, picked), vectors: await vectorsOfRows(rows, picked) };
}

/** Reads f32[rows * dim]: the vectors of consecutive rows. */
export async function vectorsIn(rows: TableRows, range: RowRange): Promise<Float32Array> {
  const vectors = new Float32Array((range.last - range.first) * rows.dim);
  for await (const { start, table } of rows.batches({ range }))
    vectors.set(table.vectors, (start - range.first) * rows.dim);
  return vectors;
}

/** Returns the range of rows of each field. Reads the rows once, without vectors. */
export async function rangesOf(rows: TableRows): Promise<RowRange[]> {
  const ranges = rows.fields.map(() => ({ first: 0, last: 0 }));
  for await (const { start, table } of rows.batches({ vectors: false })) {
    for (let row = 0; row < table.numRows; row++) {
      const range = ranges[table.fieldOf[row]!]!;
      if (range.last === 0) range.first = start + row;
      range.last = start + row + 1;
    }
  }
  return ranges;
}

/** Returns the range of rows of a field, or of all rows. @throws {UsageError} the table has no such field */
export async function rangeOf(rows: TableRows, field: string | undefined): Promise<RowRange> {
  if (field === undefined) return { first: 0, last: rows.numRows };
  const f = fieldNumber(rows.fields, field);
  return (await rangesOf(rows))[f]!;
}
