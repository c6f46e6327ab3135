// embeddings.arrow: a table as an Arrow IPC file, written and read one batch of rows at a time.
//
//   field   dictionary<utf8>, i32 indices, dictionary id 0
//   key     utf8
//   count   u32
//   weight  f32, where the model has one
//   vector  fixed_size_list<f32, dim>
//
// No column is nullable. The schema's metadata holds the number of rows, so that a reader sizes its arrays once.
// The same table gives the same bytes: dictionary ids are explicit, since apache-arrow's automatic ones count up
// within the process.

import type * as Arrow from "apache-arrow";
import { ArtifactError } from "../errors.js";
import { errorCode } from "../io/error-code.js";
import type { ReadHandle } from "../io/read-artifact.js";
import type { EmbeddingTable, Keys } from "./table.js";

const ROWS_A_BATCH = 65_536;

/** The file's bytes in chunks; a chunk may be a view of the table's arrays. */
export async function* arrowChunks(table: EmbeddingTable): AsyncGenerator<Uint8Array> {
  // loaded when used: it costs more than the whole start of a command that needs no table
  const arrow = await import("apache-arrow");
  const types = typesOf(arrow, table.dim);
  const schema = schemaOf(arrow, types, table);
  const fields = dictionaryVector(arrow, table.fields);

  // whatever the writer hands to its sink is given on at once, so that no more than a batch is held
  let ready: Uint8Array[] = [];
  class Sink extends arrow.AsyncByteQueue {
    override write(value: Parameters<Arrow.AsyncByteQueue["write"]>[0]): void {
      // the file writer hands over views only
      if (ArrayBuffer.isView(value)) ready.push(bytesOf(value));
    }
  }
  const take = (): Uint8Array[] => {
    const taken = ready;
    ready = [];
    return taken;
  };
  const writer = new arrow.RecordBatchFileWriter();
  writer.reset(new Sink(), schema);
  // an empty table has one empty batch: dictionaries are written with the first
  for (let first = 0; first === 0 || first < table.numRows; first += ROWS_A_BATCH) {
    const last = Math.min(first + ROWS_A_BATCH, table.numRows);
    writer.write(batchOf(arrow, schema, types, fields, table, first, last));
    yield* take();
  }
  writer.finish();
  yield* take();
}

/** An IPC file: all its bytes, or a handle of node:fs from which batches are read one at a time. */
export type ArrowSource = Uint8Array | ReadHandle;

/**
 * The table that an IPC file holds; its arrays are copies.
 *
 * @param name the file's, for messages
 * @throws {ArtifactError} the bytes are damaged, or are not such a table
 */
export async function readArrow(source: ArrowSource, name: string): Promise<EmbeddingTable> {
  const arrow = await import("apache-arrow");
  try {
    // the schema stands in the file's footer, so reading needs a source that seeks
    const reader = await (ArrayBuffer.isView(source)
      ? arrow.RecordBatchReader.from(source)
      : arrow.RecordBatchReader.from(source));
    await reader.open({ autoDestroy: false });
    const table = emptyTable(arrow, reader.schema, name);
    const keys = new KeyCollector(table.numRows);
    let row = 0;
    for await (const batch of reader) {
      if (row + batch.numRows > table.numRows)
        throw unreadable(name, `more rows than the ${table.numRows} it promises`);
      row = copyBatch(batch, table, keys, row);
    }
    if (row !== table.numRows) throw unreadable(name, `${row} rows, its header promises ${table.numRows}`);
    table.keys = keys.finish();
    return table;
  } catch (error) {
    // a disk that fails is no damaged table; the rest is what apache-arrow stumbles over in the bytes
    if (error instanceof ArtifactError || /^E(?!RR_)/.test(errorCode(error))) throw error;
    throw unreadable(name, String(error), error);
  }
}

function unreadable(name: string, why: string, cause?: unknown): ArtifactError {
  const text = `'${name}' cannot be read as an embedding table (${why}): restore it or train again`;
  return new ArtifactError(text, { cause });
}

interface Types {
  field: Arrow.Dictionary<Arrow.Utf8, Arrow.Int32>;
  vector: Arrow.FixedSizeList<Arrow.Float32>;
}

function typesOf(
  { Dictionary, Field, FixedSizeList, Float32, Int32, Utf8 }: typeof Arrow,
  dim: number,
): Types {
  return {
    field: new Dictionary(new Utf8(), new Int32(), 0),
    vector: new FixedSizeList(dim, new Field("item", new Float32(), false)),
  };
}

function schemaOf(
  { Field, Float32, Schema, Uint32, Utf8 }: typeof Arrow,
  types: Types,
  { numRows, weights }: EmbeddingTable,
): Arrow.Schema {
  return new Schema(
    [
      new Field("field", types.field, false),
      new Field("key", new Utf8(), false),
      new Field("count", new Uint32(), false),
      ...(weights ? [new Field("weight", new Float32(), false)] : []),
      new Field("vector", types.vector, false),
    ],
    new Map([["rows", String(numRows)]]),
  );
}

function dictionaryVector(arrow: typeof Arrow, names: readonly string[]): Arrow.Vector<Arrow.Utf8> {
  const encoded = names.map((name) => Buffer.from(name, "utf8"));
  const valueOffsets = new Int32Array(names.length + 1);
  encoded.forEach((name, f) => (valueOffsets[f + 1] = valueOffsets[f]! + name.length));
  const type = new arrow.Utf8();
  return new arrow.Vector([
    arrow.makeData({ type, length: names.length, nullCount: 0, valueOffsets, data: Buffer.concat(encoded) }),
  ]);
}

function batchOf(
  arrow: typeof Arrow,
  schema: Arrow.Schema,
  types: Types,
  fields: Arrow.Vector<Arrow.Utf8>,
  table: EmbeddingTable,
  first: number,
  last: number,
): Arrow.RecordBatch {
  const { makeData } = arrow;
  const length = last - first;
  const { dim, keys } = table;
  const numbers = (type: Arrow.Float32, data: Float32Array): Arrow.Data<Arrow.Float32> =>
    makeData({ type, length: data.length, nullCount: 0, data });

  // offsets of a batch start at 0
  const start = keys.offsets[first]!;
  const valueOffsets = new Int32Array(length + 1);
  for (let i = 0; i <= length; i++) valueOffsets[i] = keys.offsets[first + i]! - start;

  const float = new arrow.Float32();
  const columns: Arrow.Data[] = [
    makeData({
      type: types.field,
      length,
      nullCount: 0,
      data: Int32Array.from(table.fieldOf.subarray(first, last)),
      dictionary: fields,
    }),
    makeData({
      type: new arrow.Utf8(),
      length,
      nullCount: 0,
      valueOffsets,
      data: keys.bytes.subarray(start, keys.offsets[last]),
    }),
    makeData({
      type: new arrow.Uint32(),
      length,
      nullCount: 0,
      data: table.counts.subarray(first, last),
    }),
    ...(table.weights ? [numbers(float, table.weights.subarray(first, last))] : []),
    makeData({
      type: types.vector,
      length,
      nullCount: 0,
      child: numbers(float, table.vectors.subarray(first * dim, last * dim)),
    }),
  ];
  const struct = new arrow.Struct(schema.fields);
  return new arrow.RecordBatch(schema, makeData({ type: struct, length, nullCount: 0, children: columns }));
}

function emptyTable(arrow: typeof Arrow, schema: Arrow.Schema, name: string): EmbeddingTable {
  const names = schema.fields.map((field) => field.name).join(",");
  const numRows = Number(schema.metadata.get("rows") ?? Number.NaN);
  if (!/^field,key,count,(weight,)?vector$/.test(names) || !Number.isSafeInteger(numRows) || numRows < 0) {
    throw unreadable(
      name,
      `expected the columns field,key,count[,weight],vector and a number of rows, got ${names}`,
    );
  }
  const vector: unknown = schema.fields.at(-1)!.type;
  if (!arrow.DataType.isFixedSizeList(vector)) throw unreadable(name, "its vectors are no fixed-size lists");
  const dim = vector.listSize;
  return {
    dim,
    numRows,
    fields: [],
    fieldOf: new Uint32Array(numRows),
    keys: { size: 0, bytes: new Uint8Array(0), offsets: new Uint32Array(1) },
    counts: new Uint32Array(numRows),
    ...(names.includes("weight") ? { weights: new Float32Array(numRows) } : {}),
    vectors: new Float32Array(numRows * dim),
  };
}

/** Copies a batch to rows `row` and on. @returns the row after it */
function copyBatch(batch: Arrow.RecordBatch, table: EmbeddingTable, keys: KeyCollector, row: number): number {
  const { numRows } = batch;
  const column = (name: string): Arrow.Data => batch.getChild(name)!.data[0]!;
  const field = column("field");
  if (row === 0) table.fields = Array.from(field.dictionary ?? [], String);
  table.fieldOf.set(field.values.subarray(0, numRows), row);
  keys.add(column("key"), row);
  table.counts.set(column("count").values.subarray(0, numRows), row);
  table.weights?.set(column("weight").values.subarray(0, numRows), row);
  const { dim } = table;
  table.vectors.set(column("vector").children[0]!.values.subarray(0, numRows * dim), row * dim);
  return row + numRows;
}

class KeyCollector {
  readonly #offsets: Uint32Array;
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;
  constructor(size: number) {
    this.#offsets = new Uint32Array(size + 1);
  }

  add(data: Arrow.Data, row: number): void {
    const values: Uint8Array = data.values;
    const valueOffsets: Int32Array = data.valueOffsets;
    const [start, end] = [valueOffsets[0]!, valueOffsets[data.length]!];
    for (let i = 0; i < data.length; i++) {
      this.#offsets[row + i + 1] = this.#bytes + valueOffsets[i + 1]! - start;
    }
    // a copy, since values may be a view of a batch's whole buffer
    this.#parts.push(new Uint8Array(values.subarray(start, end)));
    this.#bytes += end - start;
  }

  finish(): Keys {
    const size = this.#offsets.length - 1;
    return { size, bytes: Buffer.concat(this.#parts), offsets: this.#offsets };
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
