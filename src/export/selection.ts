// The rows that an export writes: those of one field or of all, with or without weights, one batch at a time.

import type { Keys } from "../log/keys.js";
import { isUtf8 } from "node:buffer";
import { ArtifactError, UsageError, excerpt } from "../errors.js";
import { loadRows, rangeOf, type TableRows } from "../embedding/rows.js";
import { isHole, type EmbeddingTable, type RowRange } from "../embedding/table.js";
import type { ByteWriter } from "./files/byte-writer.js";
import type { Dtype } from "./dtype.js";
import { numZeroVectors } from "./narrow.js";
import type { ReserveScheme } from "./reserve.js";
import type { UnknownVector } from "./unknown-keys.js";

/** Parameters of a factorization machine beside its table, for formats that contain the model. */
export interface ModelFacts {
  w0: number;
  /** k; 0 for a linear model */
  dim: number;
}

/** A text per row, for text formats: the name of its column, and the texts. */
export interface RowTexts {
  name: string;
  of: (key: Uint8Array) => string;
}

/** The input of an ONNX model: the key, or the row's number within the field. */
export const onnxInputs = ["key", "row"] as const;
export type OnnxInput = (typeof onnxInputs)[number];

export interface ExportOptions {
  /** all fields of the rows when absent */
  field?: string;
  /** true: the rows are of several fields that were chosen, which formats of layers write apart */
  isLayered?: boolean;
  /** false: weights are not written */
  withWeight: boolean;
  /** true: an error if a format cannot represent a key exactly, instead of replacing characters */
  strict: boolean;
  /** for parquet: one column per dimension */
  wide?: boolean;
  /** the run's preprocess.json, for formats of several files */
  preprocess?: Uint8Array;
  model?: ModelFacts;
  /** the scheme of the table's padding and out-of-vocabulary rows, if it has them */
  reserve?: ReserveScheme;
  /** with reserve: what the out-of-vocabulary row of each field is */
  unknownKeys?: Readonly<Record<string, UnknownVector>>;
  /** written by csv, tsv and jsonl only */
  texts?: RowTexts;
  /** f32 when absent */
  dtype?: Dtype;
  /** for onnx: the input */
  onnxInput?: OnnxInput;
  /** for usearch: vectors are compared by inner product */
  isInnerProduct?: boolean;
  /** for redis: keys are `PREFIX:KEY` */
  prefix?: string;
}

/** Rows that are written together: all rows of `table`, whose arrays may be views. */
export interface ExportBatch {
  /** index of the first row in the selection */
  start: number;
  table: EmbeddingTable;
  /** set only if they are written */
  weights: Float32Array | undefined;
  field: string | undefined;
}

/** The rows to export, with the options. */
export interface Selection extends Omit<ExportOptions, "preprocess" | "withWeight"> {
  dim: number;
  numRows: number;
  /** names of all fields of the table */
  fields: readonly string[];
  hasWeights: boolean;
  /** Returns the rows in order; may be called repeatedly. @param pass vectors: false leaves the batches' vectors empty */
  batches: (pass?: { vectors?: boolean }) => AsyncIterable<ExportBatch>;
  /** Returns all rows as one batch, for formats that need them at once. */
  whole: () => Promise<ExportBatch>;
  /** number of zero vectors in the last complete pass with vectors */
  numZero: number;
  /** the fields one by one, if the rows are layered */
  layers?: readonly Layer[];
}

/** A field of several that a format writes apart. */
export interface Layer extends Selection {
  field: string;
}

/**
 * Selects the rows to export.
 *
 * @throws {UsageError} the table has no such field, or no weights although they are requested
 */
export async function selectRows(rows: TableRows, options: ExportOptions): Promise<Selection> {
  const { field, withWeight, preprocess: _, ...how } = options;
  if (withWeight && !rows.hasWeights) throw new UsageError("the table has no weights: omit --with-weight");
  const range = await rangeOf(rows, field);
  const batchOf = (start: number, table: EmbeddingTable): ExportBatch => {
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
  if (options.isLayered) {
    const layers: Layer[] = [];
    for (const name of rows.fields) {
      const own = await selectRows(rows, { ...options, isLayered: false, field: name });
      layers.push(Object.assign(own, { field: name }));
    }
    selection.layers = layers;
  }
  return selection;
}

/** @throws {ArtifactError} a key is not UTF-8: no format could represent it */
export function checkUtf8({ size, bytes, offsets }: Keys): void {
  // all bytes together may be valid UTF-8 although a character is split between two keys
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

/** Returns the rows of a range as if there were no others. */
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

/** Returns the bytes of a row's key as a view. */
export function keyBytes({ keys }: EmbeddingTable, row: number): Uint8Array {
  return keys.bytes.subarray(keys.offsets[row], keys.offsets[row + 1]);
}

/** Returns the key for formats with one key column: the key within one field, or else `field:key`. */
export function oneKeyBytes({ table, field }: Pick<ExportBatch, "table" | "field">, row: number): Uint8Array {
  if (field !== undefined) return keyBytes(table, row);
  return Buffer.concat([Buffer.from(`${table.fields[table.fieldOf[row]!]}:`, "utf8"), keyBytes(table, row)]);
}

/** Like oneKeyBytes, but the single row of a numeric field, whose key is empty, gets the name of the field. */
export function nameBytes(batch: Pick<ExportBatch, "table" | "field">, row: number): Uint8Array {
  const key = oneKeyBytes(batch, row);
  return key.length === 0 && batch.field !== undefined ? Buffer.from(batch.field) : key;
}

/** Yields the chunks of a text that is written row by row. @param writer returns a function that writes a row of a batch */
export async function* chunksByRow(
  selection: Pick<Selection, "batches">,
  out: ByteWriter,
  writer: (batch: ExportBatch) => (row: number) => void,
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

/** Like chunksByRow, but without holes of --row-order, which have no key. */
export function keyedChunks(
  selection: Pick<Selection, "batches">,
  out: ByteWriter,
  writer: (batch: ExportBatch) => (row: number) => void,
): AsyncGenerator<Uint8Array> {
  return chunksByRow(selection, out, (batch) => {
    const write = writer(batch);
    return (row) => {
      if (!isHole(batch.table, row)) write(row);
    };
  });
}

/** Returns the same rows with empty vectors. */
export function withoutVectors({ batches }: Selection): Pick<Selection, "batches"> {
  return { batches: () => batches({ vectors: false }) };
}

/** Returns the bytes of an array as a view. */
export function byteView({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Checks every row's key before the first byte is written. @param check throws an error for an invalid key */
export async function checkKeys(
  selection: Selection,
  check: (batch: ExportBatch, row: number) => void,
): Promise<void> {
  for await (const batch of selection.batches({ vectors: false }))
    for (let row = 0; row < batch.table.numRows; row++) check(batch, row);
}
