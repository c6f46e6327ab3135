// What an export writes: a table's rows of one field or of all, with or without weights, a batch at a time.

import type { Keys } from "../log/keys.js";
import { isUtf8 } from "node:buffer";
import { ArtifactError, UsageError, excerpt } from "../errors.js";
import { loadRows, rangeOf, type TableRows } from "../embedding/rows.js";
import { isHole, type EmbeddingTable, type RowRange } from "../embedding/table.js";
import type { ByteWriter } from "./files/byte-writer.js";
import type { Dtype } from "./dtype.js";
import { numZeroVectors } from "./narrow.js";
import type { ReserveScheme } from "./reserve.js";

/** What a factorization machine has beside its table, for formats that take the model. */
export interface ModelFacts {
  w0: number;
  /** k; 0 for a linear model */
  dim: number;
}

/** A text beside each row, for formats of text: its column's name, and what it is. */
export interface RowTexts {
  name: string;
  of: (key: Uint8Array) => string;
}

/** What finds a row in an ONNX model: the key, or the row's number within the field. */
export const onnxInputs = ["key", "row"] as const;
export type OnnxInput = (typeof onnxInputs)[number];

export interface ExportOptions {
  /** all fields when absent */
  field?: string;
  /** false: no weights are written */
  withWeight: boolean;
  /** true: what a format cannot hold exactly is an error, not replaced */
  strict: boolean;
  /** parquet: a column a dimension */
  wide?: boolean;
  /** preprocess.json as it is in the run, for formats of several files */
  preprocess?: Uint8Array;
  model?: ModelFacts;
  /** how the table's padding and out-of-vocabulary rows stand, where it has them */
  reserve?: ReserveScheme;
  /** csv, tsv and jsonl write it; the others have no place for it */
  texts?: RowTexts;
  /** f32 when absent */
  dtype?: Dtype;
  /** onnx: what finds a row */
  onnxInput?: OnnxInput;
  /** usearch: vectors were made for a dot product */
  isInnerProduct?: boolean;
  /** redis: keys are `PREFIX:KEY` */
  prefix?: string;
}

/** Rows that are written together: all of `table`, whose arrays may be views. */
export interface Batch {
  /** the first row's number within the selection */
  start: number;
  table: EmbeddingTable;
  /** there only when they are to be written */
  weights: Float32Array | undefined;
  field: string | undefined;
}

/** Rows to export, and how. */
export interface Selection extends Omit<ExportOptions, "preprocess" | "withWeight"> {
  dim: number;
  numRows: number;
  /** names of all the table's fields */
  fields: readonly string[];
  hasWeights: boolean;
  /** The rows in their order, as often as they are asked for. @param pass vectors: false leaves the batches' empty */
  batches: (pass?: { vectors?: boolean }) => AsyncIterable<Batch>;
  /** All of them as one batch, for formats that need them at once. */
  whole: () => Promise<Batch>;
  /** rows of zeros in the last pass that read the vectors to its end */
  numZero: number;
}

/**
 * The rows to export.
 *
 * @throws {UsageError} the table has no such field, or no weights where they are asked for
 */
export async function selectRows(rows: TableRows, options: ExportOptions): Promise<Selection> {
  const { field, withWeight, preprocess: _, ...how } = options;
  if (withWeight && !rows.hasWeights) throw new UsageError("the table has no weights: omit --with-weight");
  const range = await rangeOf(rows, field);
  const batchOf = (start: number, table: EmbeddingTable): Batch => {
    checkUtf8(table.keys);
    return { start, table, weights: withWeight ? table.weights : undefined, field };
  };
  const selection: Selection = {
    ...how,
    field,
    dim: rows.dim,
    numRows: range.last - range.first,
    fields: rows.fields,
    hasWeights: withWeight,
    numZero: 0,
    async *batches({ vectors = true } = {}) {
      let numZero = 0;
      for await (const { start, table } of rows.batches({ range, vectors })) {
        if (vectors) numZero += numZeroVectors(table);
        yield batchOf(start - range.first, table);
      }
      if (vectors) selection.numZero = numZero;
    },
    async whole() {
      const table = await loadRows(within(rows, range));
      selection.numZero = numZeroVectors(table);
      return batchOf(0, table);
    },
  };
  return selection;
}

/** @throws {ArtifactError} a key is no UTF-8: every format would hold another one, or none that its readers take */
export function checkUtf8({ size, bytes, offsets }: Keys): void {
  // the whole can be text where its parts are not, if a character is cut in two
  let isText = isUtf8(bytes);
  for (let row = 1; isText && row < size; row++)
    isText = offsets[row]! >= bytes.length || (bytes[offsets[row]!]! & 0xc0) !== 0x80;
  if (isText) return;
  const row = Array.from({ length: size }, (_, r) => r).find(
    (r) => !isUtf8(bytes.subarray(offsets[r], offsets[r + 1])),
  )!;
  const key = Buffer.from(bytes.subarray(offsets[row], offsets[row + 1]));
  throw new ArtifactError(
    `the table has a key that is not valid UTF-8, ${excerpt(key.toString("latin1"))} (shown as Latin-1), and ` +
      "cannot be exported: train again",
  );
}

/** The rows of a range as all there are. */
function within(rows: TableRows, range: RowRange): TableRows {
  return {
    ...rows,
    numRows: range.last - range.first,
    async *batches() {
      for await (const { start, table } of rows.batches({ range }))
        yield { start: start - range.first, table };
    },
  };
}

/** The bytes of a row's key: a view. */
export function keyBytes({ keys }: EmbeddingTable, row: number): Uint8Array {
  return keys.bytes.subarray(keys.offsets[row], keys.offsets[row + 1]);
}

/** For formats of one key column: the key within one field, or else `field:key`. */
export function oneKeyBytes({ table, field }: Pick<Batch, "table" | "field">, row: number): Uint8Array {
  if (field !== undefined) return keyBytes(table, row);
  return Buffer.concat([Buffer.from(`${table.fields[table.fieldOf[row]!]}:`, "utf8"), keyBytes(table, row)]);
}

/** The same where it names a row: the one row of a numeric field, whose key is empty, is called like the field. */
export function nameBytes(batch: Pick<Batch, "table" | "field">, row: number): Uint8Array {
  const key = oneKeyBytes(batch, row);
  return key.length === 0 && batch.field !== undefined ? Buffer.from(batch.field) : key;
}

/** Yields the chunks of a text that is put down row by row. @param writer what writes a row of a batch */
export async function* chunksByRow(
  selection: Pick<Selection, "batches">,
  out: ByteWriter,
  writer: (batch: Batch) => (row: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const batch of selection.batches()) {
    const write = writer(batch);
    for (let row = 0; row < batch.table.numRows; row++) {
      write(row);
      if (out.isFull) yield out.take();
    }
  }
  yield out.take();
}

/** The same without holes of --row-order, which have no key. */
export function keyedChunks(
  selection: Pick<Selection, "batches">,
  out: ByteWriter,
  writer: (batch: Batch) => (row: number) => void,
): AsyncGenerator<Uint8Array> {
  return chunksByRow(selection, out, (batch) => {
    const write = writer(batch);
    return (row) => {
      if (!isHole(batch.table, row)) write(row);
    };
  });
}

/** The same rows for what needs no vectors. */
export function withoutVectors({ batches }: Selection): Pick<Selection, "batches"> {
  return { batches: () => batches({ vectors: false }) };
}

/** The bytes of an array: a view. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Looks at every row's key before the first byte is written. @param check throws where it cannot be */
export async function checkKeys(
  selection: Selection,
  check: (batch: Batch, row: number) => void,
): Promise<void> {
  for await (const batch of selection.batches({ vectors: false }))
    for (let row = 0; row < batch.table.numRows; row++) check(batch, row);
}
