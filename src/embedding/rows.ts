// Rows of a table, a batch at a time: what is written from a table need not hold all of it.
//
//   tableRows     a table in memory, by views of its arrays
//   wholeFields   the same in the batches of a file
//   arrow-rows    embeddings.arrow, read from the disk (arrow-rows.ts)
//   loadRows      back to a table in memory

import { fieldNumber, keysOfRows, rowsOf, type EmbeddingTable, type RowRange } from "./table.js";

/** The most rows of a batch. */
export const ROWS_A_BATCH = 65_536;

/** Consecutive rows as a table of their own, whose arrays may be views of a larger one's. */
export interface TableBatch {
  /** number of the first row within all rows */
  start: number;
  table: EmbeddingTable;
}

/** What a pass over the rows reads. */
export interface Pass {
  /** all rows when absent */
  range?: RowRange;
  /** false: the batches' `vectors` are empty, which reads a tenth of the bytes */
  vectors?: boolean;
}

/** A table's shape, and its rows as often as they are asked for. */
export interface TableRows {
  dim: number;
  numRows: number;
  fields: readonly string[];
  hasWeights: boolean;
  /** Batches in the order of the rows; an empty range has none. @throws {ArtifactError} while iterating: damaged bytes */
  batches: (pass?: Pass) => AsyncIterable<TableBatch>;
}

/** Rows first .. last - 1 as a table; its arrays are views. */
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
 * The rows of a table in memory, in as few batches as a file may have, so that a reader maps each field's vectors as one
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

/** The rows of a table in memory. */
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

/** A table of that shape whose rows have neither key nor events nor numbers. @param numRows none by default */
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

/** All rows in memory; the arrays are copies. @throws {ArtifactError} as `batches` */
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

/** The rows of a field, or all; one pass without vectors. @throws {UsageError} no such field; names the nearest */
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
