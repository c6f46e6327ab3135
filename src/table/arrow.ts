// Writes and reads embeddings.arrow: a table as an Arrow IPC file, one batch of rows at a time.
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

import { emptyTable, loadRows, ROWS_A_BATCH, type TableRows, type RowPass } from "./rows.js";
import type { EmbeddingTable, RowRange } from "./table.js";
import type * as Arrow from "apache-arrow";
import { ArtifactError } from "../base/errors.js";
import {
  ARROW_TYPES,
  ArrowFile,
  arrowBytesIn,
  arrowBytesOf,
  type ArrowBlock,
  type FailFile,
  wrongIds,
} from "../base/io/arrow-file.js";
import { errorCode, asIoError } from "../base/io/write.js";
import type { ReadHandle } from "../base/io/read-artifact.js";

/** Conversion of an export's vectors to fewer bits. For i8, a column `scale` of f32 precedes `vector`. */
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
  const { arrow } = await import("../base/io/apache-arrow.js");
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

// Buffers of a batch, of which any range of rows and only the requested columns are read:
//
//   buffer   0  1        2  3        4     5  6      7  8       9  10       11      12
//   holds    -  field    -  key's    key   -  count  -  weight  -  -        vector
//                           offsets                  (with weights only)
//
// where `-` is a bitmap of nulls, which is absent, because no column is nullable.

/** An Arrow IPC file: its bytes in memory, or an open file from which ranges of rows are read. */
type ArrowSource = Uint8Array | ReadHandle;

/** Reads the table of an IPC file; its arrays are copies. @throws {ArtifactError} damaged, or another layout */
export async function readArrow(source: ArrowSource, name: string): Promise<EmbeddingTable> {
  return await loadRows(await arrowRows(source, name));
}

/** Returns the rows of an IPC file, read on demand while it is open. @throws {ArtifactError} damaged, or another layout */
export async function arrowRows(source: ArrowSource, name: string): Promise<TableRows> {
  const fail = (why: string): never => {
    throw unreadable(name, why);
  };
  return await asArtifact(name, async () => {
    const bytes = ArrayBuffer.isView(source) ? arrowBytesIn(source, fail) : await arrowBytesOf(source, fail);
    const file = await ArrowFile.open(bytes, fail);
    const shape = { ...shapeOf(file, fail), fields: await fieldsOf(file, fail) };
    // memory for all declared rows is allocated at once, so a header that declares more rows than the file can hold is
    // rejected
    const rowBytes = 12 + (shape.hasWeights ? 4 : 0) + 4 * shape.dim;
    if (shape.numRows * rowBytes > bytes.size)
      fail(`its header declares ${shape.numRows} rows of ${rowBytes} bytes, but it has ${bytes.size} bytes`);
    return {
      ...shape,
      async *batches({ range = { first: 0, last: shape.numRows }, vectors = true }: RowPass = {}) {
        let [start, field] = [0, 0];
        for (const block of file.batches) {
          if (start >= range.last) return;
          const batch = await asArtifact(name, () => batchAt(file, block));
          const end = Math.min(range.last - start, batch.numRows);
          for (let first = Math.max(range.first - start, 0); first < end; first += ROWS_A_BATCH) {
            const last = Math.min(first + ROWS_A_BATCH, end);
            const table = await asArtifact(name, () => batch.read(shape, { first, last }, vectors));
            checkFields(table, field, fail);
            field = table.fieldOf.at(-1)!;
            yield { start: start + first, table };
          }
          start += batch.numRows;
          if (start > shape.numRows) fail(`more rows than the ${shape.numRows} in its header`);
        }
        if (start < range.last) fail(`${start} rows, but its header declares ${shape.numRows}`);
      },
    };
  });
}

type Shape = Omit<TableRows, "batches">;

async function batchAt(
  file: ArrowFile,
  block: ArrowBlock,
): Promise<{
  numRows: number;
  read: (shape: Shape, range: RowRange, vectors: boolean) => Promise<EmbeddingTable>;
}> {
  const body = await file.batch(block);
  const read = async (
    { dim, fields, hasWeights }: Shape,
    { first, last }: RowRange,
    vectors: boolean,
  ): Promise<EmbeddingTable> => {
    const column = async (index: number, rowBytes = 4) =>
      (await file.bufferOf(body, index, rowBytes * (last - first), rowBytes * first)).buffer;
    return {
      dim,
      numRows: last - first,
      fields,
      fieldOf: new Uint32Array(await column(1)),
      keys: await file.textIn(body, 3, first, last),
      counts: new Uint32Array(await column(6)),
      ...(hasWeights && { weights: new Float32Array(await column(8)) }),
      vectors: vectors ? new Float32Array(await column(hasWeights ? 11 : 9, 4 * dim)) : new Float32Array(0),
    };
  };
  return { numRows: body.length, read };
}

/** Checks that rows are grouped by field. @param field field of the last row before the batch */
function checkFields({ fieldOf, fields }: EmbeddingTable, field: number, fail: FailFile): void {
  const problem = wrongIds(fieldOf, fields.length);
  if (problem !== undefined) fail(`field of a row: ${problem}`);
  let before = field;
  for (const f of fieldOf) {
    if (f < before) fail("its rows are not grouped by field");
    before = f;
  }
}

async function asArtifact<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    // an I/O error is thrown as it is; any other error comes from an offset beyond the end of the file, so the table is
    // damaged
    if (error instanceof ArtifactError || /^E(?!RR_)/.test(errorCode(error)))
      throw asIoError(error, `reading '${name}' failed`);
    throw unreadable(name, String(error), error);
  }
}

function unreadable(name: string, why: string, cause?: unknown): ArtifactError {
  const text = `'${name}' cannot be read as an embedding table (${why}): restore it or train again`;
  return new ArtifactError(text, { cause });
}

async function fieldsOf(file: ArrowFile, fail: FailFile): Promise<string[]> {
  const fields: string[] = [];
  for await (const { keys } of file.dictionaries()) {
    for (let f = 0; f < keys.size; f++)
      fields.push(Buffer.from(keys.bytes.subarray(keys.offsets[f], keys.offsets[f + 1])).toString("utf8"));
  }
  if (new Set(fields).size < fields.length) fail("two fields have the same name");
  return fields;
}

function shapeOf({ fields, metadata }: ArrowFile, fail: FailFile): Omit<Shape, "fields"> {
  const names = fields.map((field) => field.text(0)).join(",");
  const numRows = Number(metadata.get("rows") ?? Number.NaN);
  if (!/^field,key,count,(weight,)?vector$/.test(names) || !Number.isSafeInteger(numRows) || numRows < 0)
    fail(`expected the columns field,key,count[,weight],vector and a number of rows, got ${names}`);
  const vector = fields.at(-1)!;
  const [number] = vector.tables(5);
  // in Arrow's schema, the precision 1 denotes f32
  if (
    vector.u8(2) !== ARROW_TYPES.fixedSizeList ||
    number?.u8(2) !== ARROW_TYPES.float ||
    number.table(3)?.i16(0) !== 1
  )
    fail("its vectors are not fixed-size lists of f32");
  const dim = vector.table(3)?.i32(0) ?? 0;
  if (dim < 0) fail(`vectors of ${dim} numbers`);
  return { numRows, dim, hasWeights: names.includes("weight") };
}
