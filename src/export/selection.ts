// What an export writes: a table's rows of one field or of all, with or without weights.

import { UsageError } from "../errors.js";
import { rowsOf, type EmbeddingTable, type RowRange } from "../embedding/table.js";
import type { ByteWriter } from "./byte-writer.js";
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
  of: (row: number) => string;
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
  texts?: RowTexts;
  /** onnx: what finds a row */
  onnxInput?: OnnxInput;
  /** usearch: vectors were made for a dot product */
  isInnerProduct?: boolean;
}

/** Rows to export; `weights` is there only when they are to be written. */
export interface Selection extends RowRange {
  table: EmbeddingTable;
  weights: Float32Array | undefined;
  field: string | undefined;
  strict: boolean;
  wide: boolean;
  model?: ModelFacts;
  reserve?: ReserveScheme;
  /** csv, tsv and jsonl write it; the others have no place for it */
  texts?: RowTexts;
  onnxInput?: OnnxInput;
  isInnerProduct?: boolean;
}

/**
 * The rows to export.
 *
 * @throws {UsageError} the table has no such field, or no weights where they are asked for
 */
export function selectRows(table: EmbeddingTable, options: ExportOptions): Selection {
  const {
    field,
    withWeight,
    strict,
    wide = false,
    model,
    reserve,
    texts,
    onnxInput,
    isInnerProduct,
  } = options;
  if (withWeight && !table.weights) {
    throw new UsageError("the table has no weights: leave out --with-weight");
  }
  const weights = withWeight ? table.weights : undefined;
  return {
    ...rowsOf(table, field),
    table,
    weights,
    field,
    strict,
    wide,
    ...(model && { model }),
    ...(reserve && { reserve }),
    ...(texts && { texts }),
    ...(onnxInput && { onnxInput }),
    ...(isInnerProduct && { isInnerProduct }),
  };
}

/** The bytes of a row's key: a view. */
export function keyBytes({ keys }: EmbeddingTable, row: number): Uint8Array {
  return keys.bytes.subarray(keys.offsets[row], keys.offsets[row + 1]);
}

/** For formats of one key column: the key within one field, or else `field:key`. */
export function oneKeyBytes({ table, field }: Selection, row: number): Uint8Array {
  if (field !== undefined) return keyBytes(table, row);
  return Buffer.concat([Buffer.from(`${table.fields[table.fieldOf[row]!]}:`, "utf8"), keyBytes(table, row)]);
}

/** Yields the chunks of a text that `write` puts down row by row. */
export function* chunksByRow(
  { first, last }: RowRange,
  out: ByteWriter,
  write: (row: number) => void,
): Generator<Uint8Array> {
  for (let row = first; row < last; row++) {
    write(row);
    if (out.isFull) yield out.take();
  }
  yield out.take();
}
