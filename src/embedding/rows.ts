// Rows of a table, one batch at a time, so that the table need not be in memory.
//
//   tableRows     rows of a table in memory, as views of its arrays
//   wholeFields   the same rows in the batches of a file
//   arrow-rows    rows of embeddings.arrow, read from the disk (arrow-rows.ts)
//   loadRows      reads rows into a table in memory

import { fieldNumber, keysOfRows, rowsOf, type EmbeddingTable, type RowRange } from "./table.js";

/** Most rows of a batch. */
export const ROWS_A_BATCH = 65_536;

/** Consecutive rows as a table, whose arrays may be views of a larger one's. */
export interface TableBatch {
  /** index of the first row among all rows */
  start: number;
  table: EmbeddingTable;
}

/** The part of the rows that a pass reads. */
export interface RowPass {
  /** all rows when absent */
  range?: RowRange;
  /** false: the batches' `vectors` are empty, which reads a tenth of the bytes */
  vectors?: boolean;
}

/** A table's shape, and functions to read its rows repeatedly. */
export interface TableRows {
  dim: number;
  numRows: number;
  fields: readonly string[];
  hasWeights: boolean;
  /**
   * Yields batches in the order of the rows; an empty range has none. @throws {ArtifactError} while iterating: damaged
   * bytes
   */
  batches: (pass?: RowPass) => AsyncIterable<TableBatch>;
  /**
   * Returns f32[rows * dim], of a table whose vectors lie elsewhere: `vectors` of its batches are views of one array that was never
   * written, which takes no memory. For writing alone.
   */
  laterVectors?: (range: RowRange) => Float32Array;
}

/** Returns rows first .. last - 1 as a table; its arrays are views. */
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

/** The most bytes of a column in a batch: apache-arrow rounds a length up with 32 bits. */
const MOST_BYTES = 2 ** 31 - 16;

/**
 * Returns the rows of a table in memory, in as few batches as a file may have, so that a reader maps each field's vectors as one
 * array: a batch has whole fields, unless one field alone is more than a batch may have.
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

/** Returns the rows of a table in memory. */
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

/** Returns a table of that shape whose rows have no key, no events and zero vectors. @param numRows none by default */
export function emptyTable(
  { dim, fields, hasWeights }: Omit<TableRows, "batches" | "numRows">,
  numRows = 0,
): EmbeddingTable {
  return {
    dim,
    numRows,
    fields,
    fieldOf: new Uint32Array(numRows),
    keys: { size: numRows, bytes: new Uint8Array(0), offsets: new Uint32Array(numRows + 1) },
    counts: new Uint32Array(numRows),
    ...(hasWeights && { weights: new Float32Array(numRows) }),
    vectors: new Float32Array(numRows * dim),
  };
}

/** Reads all rows into memory; the arrays are copies. @throws {ArtifactError} as `batches` */
export async function loadRows(rows: TableRows): Promise<EmbeddingTable> {
  const { dim, numRows } = rows;
  const table = emptyTable(rows, numRows);
  const offsets = new Uint32Array(numRows + 1);
  const parts: Uint8Array[] = [];
  let end = 0;
  for await (const { start, table: batch } of rows.batches()) {
    table.fieldOf.set(batch.fieldOf, start);
    table.counts.set(batch.counts, start);
    if (batch.weights) table.weights?.set(batch.weights, start);
    table.vectors.set(batch.vectors, start * dim);
    for (let i = 1; i <= batch.numRows; i++) offsets[start + i] = end + batch.keys.offsets[i]!;
    parts.push(batch.keys.bytes);
    end += batch.keys.bytes.length;
  }
  table.keys = { size: numRows, bytes: Buffer.concat(parts), offsets };
  return table;
}

/**
 * Returns the range of rows of a field, or of all rows, in one pass without vectors. @throws {UsageError} no such
 * field; the message has the most similar name
 */
export async function rangeOf(rows: TableRows, field: string | undefined): Promise<RowRange> {
  if (field === undefined) return { first: 0, last: rows.numRows };
  fieldNumber(rows.fields, field);
  let range: RowRange | undefined;
  for await (const { start, table } of rows.batches({ vectors: false })) {
    const { first, last } = rowsOf(table, field);
    if (first < last) range = { first: range?.first ?? start + first, last: start + last };
  }
  return range ?? { first: 0, last: 0 };
}
