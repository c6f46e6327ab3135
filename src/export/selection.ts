// The rows that an export writes, one batch at a time: rows of one field or of all fields, with or without weights.

import type { Keys } from "../log/keys.js";
import { isUtf8 } from "node:buffer";
import { ArtifactError, UsageError, excerpt } from "../base/errors.js";
import { loadRows, rangeOf, rowsWithin, type TableRows } from "../table/rows.js";
import { isHole, type EmbeddingTable } from "../table/table.js";
import type { SearchCodes } from "../table/search-codes.js";
import type { ByteWriter } from "./files/byte-writer.js";
import type { Dtype } from "./dtype.js";
import type { ReserveScheme, UnknownVector } from "./reserve.js";

/** Parameters of a factorization machine in addition to its table, for formats that contain the model. */
export interface ModelFacts {
  w0: number;
  /** k, the dimension of the vectors; 0 for a linear model */
  dim: number;
}

/** A column of texts for text formats: its name, and the function that returns the text for a row's key. */
export interface RowTexts {
  name: string;
  of: (key: Uint8Array) => string;
}

/** The input of an ONNX model: keys, or row numbers within the field. */
export const onnxInputs = ["key", "row"] as const;
export type OnnxInput = (typeof onnxInputs)[number];

export interface ExportOptions {
  /** fields whose rows are exported; all fields when absent */
  field?: string;
  /** true: the user chose several fields, which the format writes separately if it can (ExportFormat.layers) */
  isLayered?: boolean;
  /** false: the weights of the rows are not written */
  withWeight: boolean;
  /** true: a key that a format cannot represent exactly is an error instead of having its characters replaced */
  strict: boolean;
  wide?: boolean;
  preprocess?: Uint8Array;
  model?: ModelFacts;
  /** where the table has rows for padding and for out-of-vocabulary keys (keras, fuxictr or pytorch), if it has them */
  reserve?: ReserveScheme;
  unknownKeys?: Readonly<Record<string, UnknownVector>>;
  texts?: RowTexts;
  /** type of the vectors' numbers; f32 when absent */
  dtype?: Dtype;
  /** codes of the rows, which replace the vectors' numbers */
  codes?: SearchCodes;
  /** for onnx: the kind of input, keys or row numbers */
  onnxInput?: OnnxInput;
  /** for usearch: whether vectors are compared by their inner product instead of the cosine */
  isInnerProduct?: boolean;
  /** for redis: the prefix of the keys `PREFIX:KEY` */
  prefix?: string;
}

/** Rows that are written together: all rows of `table`, whose arrays may be views of a larger table. */
export interface ExportBatch {
  /** index of the first row in the selection */
  start: number;
  table: EmbeddingTable;
  /** weights of the rows; undefined if they are not written */
  weights: Float32Array | undefined;
  field: string | undefined;
}

export interface Selection extends Omit<ExportOptions, "preprocess" | "withWeight"> {
  dim: number;
  numRows: number;
  /** names of all fields of the table */
  fields: readonly string[];
  hasWeights: boolean;
  /** The rows in order, as often as it is called. @param pass vectors: false leaves the batches' vectors empty */
  batches: (pass?: { vectors?: boolean }) => AsyncIterable<ExportBatch>;
  /** Returns all rows as one batch, for formats that need all rows at the same time. */
  whole: () => Promise<ExportBatch>;
  /** number of zero vectors that the last complete pass over the vectors counted */
  numZero: number;
  /** one selection for each field, if the format writes fields separately (ExportFormat.layers) */
  layers?: readonly ExportedLayer[];
}

export interface ExportedLayer extends Selection {
  field: string;
}

/** @throws {UsageError} the table has no such field, or no weights although they are requested */
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
      const table = await loadRows(rowsWithin(rows, range));
      selection.numZero = numZeroVectors(table);
      return batchOf(0, table);
    },
  };
  if (options.isLayered) {
    const layers: ExportedLayer[] = [];
    for (const name of rows.fields) {
      const own = await selectRows(rows, { ...options, isLayered: false, field: name });
      layers.push(Object.assign(own, { field: name }));
    }
    selection.layers = layers;
  }
  return selection;
}

/** Returns the number of rows with a key and a zero vector, whose cosine with other vectors is undefined. */
function numZeroVectors(table: EmbeddingTable): number {
  const { dim, numRows, vectors } = table;
  let count = 0;
  for (let row = 0; row < numRows; row++) {
    if (isHole(table, row)) continue;
    let d = 0;
    while (d < dim && vectors[row * dim + d] === 0) d++;
    count += d === dim ? 1 : 0;
  }
  return count;
}

/** Checks that all keys are UTF-8. @throws {ArtifactError} a key is not UTF-8, so no format could represent it */
export function checkUtf8({ size, bytes, offsets }: Keys): void {
  // all bytes together may be valid UTF-8 even if a character is split between two keys
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

/** Returns the bytes of a row's key as a view. */
export function keyBytes({ keys }: Pick<EmbeddingTable, "keys">, row: number): Uint8Array {
  return keys.bytes.subarray(keys.offsets[row], keys.offsets[row + 1]);
}

/** The key itself if one field is exported, otherwise `field:key`. */
export function oneKeyBytes({ table, field }: Pick<ExportBatch, "table" | "field">, row: number): Uint8Array {
  if (field !== undefined) return keyBytes(table, row);
  return Buffer.concat([Buffer.from(`${table.fields[table.fieldOf[row]!]}:`, "utf8"), keyBytes(table, row)]);
}

/** As oneKeyBytes, or the name of the field for the single row of a numeric field, whose key is empty. */
export function nameBytes(batch: Pick<ExportBatch, "table" | "field">, row: number): Uint8Array {
  const key = oneKeyBytes(batch, row);
  return key.length === 0 && batch.field !== undefined ? Buffer.from(batch.field) : key;
}

/** @param writer returns a function that writes one row of the given batch */
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

/** As chunksByRow, without the rows that have no key. */
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

export function withoutVectors({ batches }: Selection): Pick<Selection, "batches"> {
  return { batches: () => batches({ vectors: false }) };
}

export function byteView({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Checks the key of every row before the first byte is written. @param check throws an error for an invalid key */
export async function checkKeys(
  selection: Selection,
  check: (batch: ExportBatch, row: number) => void,
): Promise<void> {
  for await (const batch of selection.batches({ vectors: false }))
    for (let row = 0; row < batch.table.numRows; row++) check(batch, row);
}
