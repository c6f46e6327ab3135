// embeddings.arrow: a table as an Arrow IPC file, written one batch of rows at a time (read: arrow-rows.ts).
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
import { emptyTable, type TableRows } from "./rows.js";
import type { EmbeddingTable } from "./table.js";

/** The file's bytes in chunks; a chunk may be a view of the rows' arrays. */
export async function* arrowChunks(rows: TableRows): AsyncGenerator<Uint8Array> {
  // loaded when used: it costs more than the whole start of a command that needs no table
  const arrow = await import("apache-arrow");
  const types = typesOf(arrow, rows.dim);
  const schema = schemaOf(arrow, types, rows);
  const fields = dictionaryVector(arrow, rows.fields);

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
  let numBatches = 0;
  for await (const { table } of rows.batches()) {
    writer.write(batchOf(arrow, schema, types, fields, table));
    numBatches++;
    yield* take();
  }
  // an empty table has one empty batch: dictionaries are written with the first
  if (numBatches === 0) writer.write(batchOf(arrow, schema, types, fields, emptyTable(rows)));
  writer.finish();
  yield* take();
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
  { numRows, hasWeights }: TableRows,
): Arrow.Schema {
  return new Schema(
    [
      new Field("field", types.field, false),
      new Field("key", new Utf8(), false),
      new Field("count", new Uint32(), false),
      ...(hasWeights ? [new Field("weight", new Float32(), false)] : []),
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
  { numRows: length, fieldOf, keys, counts, weights, vectors }: EmbeddingTable,
): Arrow.RecordBatch {
  const { makeData } = arrow;
  // rows may have weights that are not to be written
  const hasWeights = schema.fields.some(({ name }) => name === "weight");
  const numbers = (type: Arrow.Float32, data: Float32Array): Arrow.Data<Arrow.Float32> =>
    makeData({ type, length: data.length, nullCount: 0, data });
  const float = new arrow.Float32();
  const columns: Arrow.Data[] = [
    makeData({
      type: types.field,
      length,
      nullCount: 0,
      data: new Int32Array(fieldOf),
      dictionary: fields,
    }),
    // a batch's offsets start at 0
    makeData({
      type: new arrow.Utf8(),
      length,
      nullCount: 0,
      valueOffsets: new Int32Array(keys.offsets),
      data: keys.bytes,
    }),
    makeData({ type: new arrow.Uint32(), length, nullCount: 0, data: counts }),
    ...(hasWeights ? [numbers(float, weights!)] : []),
    makeData({ type: types.vector, length, nullCount: 0, child: numbers(float, vectors) }),
  ];
  const struct = new arrow.Struct(schema.fields);
  return new arrow.RecordBatch(schema, makeData({ type: struct, length, nullCount: 0, children: columns }));
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
