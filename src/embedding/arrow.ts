// Writes embeddings.arrow: a table as an Arrow IPC file, one batch of rows at a time (arrow-rows.ts reads it).
//
//   field   dictionary<utf8>, i32 indices, dictionary id 0
//   key     utf8
//   count   u32
//   weight  f32, if the model has weights
//   vector  fixed_size_list<f32, dim>
//
// No column is nullable. The schema's metadata contains the number of rows, so that a reader allocates its arrays once.
// The same table gives the same bytes: dictionary ids are explicit, because apache-arrow's automatic ids depend on
// earlier calls in the process.

import { emptyTable, type TableRows } from "./rows.js";
import type { EmbeddingTable } from "./table.js";
import type * as Arrow from "apache-arrow";

/**
 * Conversion of the vectors of an export to elements with fewer bits. For i8, a column `scale` of f32 precedes
 * `vector`.
 */
export interface NarrowVectors {
  type: "f16" | "i8";
  /** converts the vectors of a batch to f16, stored as u16, or to i8 with a scale for each row */
  of: (table: EmbeddingTable) => { values: Float32Array | Uint16Array | Int8Array; scales?: Float32Array };
}

/**
 * Yields the file's bytes in chunks; a chunk may be a view of the rows' arrays.
 *
 * @param narrow conversion of the vectors; when absent, elements are f32, as in a run
 * @param metadata further entries of the schema's metadata
 */
export async function* arrowChunks(
  rows: TableRows,
  narrow?: NarrowVectors,
  metadata: Readonly<Record<string, string>> = {},
): AsyncGenerator<Uint8Array> {
  // apache-arrow is imported on demand, because importing it takes longer than the start of a command that needs no
  // table
  const { arrow } = await import("../io/apache-arrow.js");
  const types = typesOf(arrow, rows.dim, narrow?.type);
  const schema = schemaOf(arrow, types, rows, { narrow: narrow?.type, metadata });
  const fields = dictionaryVector(arrow, rows.fields);

  /** placeholder memory: chunks that are views of it are written with vectors that `laterVectors` reads instead */
  const place: Placeholder = { buffer: undefined, firstRow: 0 };
  async function* batches(): AsyncGenerator<Arrow.RecordBatch> {
    let numBatches = 0;
    for await (const { start, table } of rows.batches()) {
      [place.buffer, place.firstRow] = [table.vectors.buffer, start];
      yield batchOf(arrow, schema, types, fields, table, narrow);
      numBatches++;
    }
    // an empty table has one empty batch, because dictionaries are written with the first batch
    if (numBatches === 0) yield batchOf(arrow, schema, types, fields, emptyTable(rows), narrow);
  }
  const chunks = arrowFileChunks(arrow, schema, batches());
  yield* rows.laterVectors ? withVectors(chunks, rows, place) : chunks;
}

/** Memory of the vectors of the batch that is being written, and the number of its first row. */
interface Placeholder {
  buffer: ArrayBufferLike | undefined;
  firstRow: number;
}

/** Maximum number of bytes of vectors that `laterVectors` reads at a time. */
const LATER_BYTES = 64 << 20;

/** Replaces each chunk that is a view of placeholder memory (`place`) by vectors that `laterVectors` reads. */
async function* withVectors(
  chunks: AsyncIterable<Uint8Array>,
  { dim, laterVectors }: TableRows,
  place: Placeholder,
): AsyncGenerator<Uint8Array> {
  const rowBytes = 4 * dim;
  const mostRows = Math.max(1, Math.floor(LATER_BYTES / rowBytes));
  for await (const chunk of chunks) {
    if (place.buffer !== chunk.buffer || chunk.byteLength === 0) {
      yield chunk;
      continue;
    }
    const end = place.firstRow + (chunk.byteOffset + chunk.byteLength) / rowBytes;
    for (let first = place.firstRow + chunk.byteOffset / rowBytes; first < end; first += mostRows) {
      const vectors = await laterVectors!({ first, last: Math.min(first + mostRows, end) });
      yield new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
    }
  }
}

interface Types {
  field: Arrow.Dictionary<Arrow.Utf8, Arrow.Int32>;
  number: Arrow.Float16 | Arrow.Int8 | Arrow.Float32;
  vector: Arrow.FixedSizeList;
}

function typesOf(
  { Dictionary, Field, FixedSizeList, Float16, Float32, Int32, Int8, Utf8 }: typeof Arrow,
  dim: number,
  narrow: NarrowVectors["type"] | undefined,
): Types {
  const number = narrow === "f16" ? new Float16() : narrow === "i8" ? new Int8() : new Float32();
  return {
    field: new Dictionary(new Utf8(), new Int32(), 0),
    number,
    vector: new FixedSizeList(dim, new Field("item", number, false)),
  };
}

function schemaOf(
  { Field, Float32, Schema, Uint32, Utf8 }: typeof Arrow,
  types: Types,
  { numRows, hasWeights }: TableRows,
  { narrow, metadata }: { narrow: NarrowVectors["type"] | undefined; metadata: Record<string, string> },
): Arrow.Schema {
  return new Schema(
    [
      new Field("field", types.field, false),
      new Field("key", new Utf8(), false),
      new Field("count", new Uint32(), false),
      ...(hasWeights ? [new Field("weight", new Float32(), false)] : []),
      ...(narrow === "i8" ? [new Field("scale", new Float32(), false)] : []),
      new Field("vector", types.vector, false),
    ],
    new Map([["rows", String(numRows)], ...Object.entries(metadata)]),
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
  narrow: NarrowVectors | undefined,
): Arrow.RecordBatch {
  const { makeData } = arrow;
  const { numRows: length, fieldOf, keys, counts, weights } = table;
  const { values, scales } = narrow?.of(table) ?? { values: table.vectors };
  const floats = (data: Float32Array): Arrow.Data =>
    makeData({ type: new arrow.Float32(), length, nullCount: 0, data });
  const columns: Arrow.Data[] = [
    makeData({
      type: types.field,
      length,
      nullCount: 0,
      data: new Int32Array(fieldOf),
      dictionary: fields,
    }),
    // the offsets of keys in a batch start at 0
    makeData({
      type: new arrow.Utf8(),
      length,
      nullCount: 0,
      valueOffsets: new Int32Array(keys.offsets),
      data: keys.bytes,
    }),
    makeData({ type: new arrow.Uint32(), length, nullCount: 0, data: counts }),
    ...(weights ? [floats(weights)] : []),
    ...(scales ? [floats(scales)] : []),
    makeData({
      type: types.vector,
      length,
      nullCount: 0,
      // makeData's parameter type depends on the element type; one call for three element types needs a cast
      child: makeData({
        type: types.number as Arrow.Float32,
        length: values.length,
        nullCount: 0,
        data: values as Float32Array,
      }),
    }),
  ];
  const struct = new arrow.Struct(schema.fields);
  return new arrow.RecordBatch(schema, makeData({ type: struct, length, nullCount: 0, children: columns }));
}

/** Yields the file's bytes in chunks; a chunk may be a view of a batch's arrays. */
export async function* arrowFileChunks(
  arrow: typeof Arrow,
  schema: Arrow.Schema,
  batches: AsyncIterable<Arrow.RecordBatch>,
): AsyncGenerator<Uint8Array> {
  // yields the writer's output at once, so that memory holds at most one batch
  let ready: Uint8Array[] = [];
  class Sink extends arrow.AsyncByteQueue {
    override write(value: Parameters<Arrow.AsyncByteQueue["write"]>[0]): void {
      // the Arrow file writer passes only typed arrays, although the method's type allows other values
      if (ArrayBuffer.isView(value))
        ready.push(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    }
  }
  const take = (): Uint8Array[] => {
    const taken = ready;
    ready = [];
    return taken;
  };
  const writer = new arrow.RecordBatchFileWriter();
  writer.reset(new Sink(), schema);
  for await (const batch of batches) {
    writer.write(batch);
    yield* take();
  }
  writer.finish();
  yield* take();
}
