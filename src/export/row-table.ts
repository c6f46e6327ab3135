// Rows of texts and numbers, on their way to a file: a column a name.
//
//   csv      a header, cells quoted as RFC 4180 says where they must be
//   jsonl    an object a row
//   parquet  texts, UINT_32, FLOAT, DOUBLE; a batch is a row group
//   arrow    an Arrow IPC file of them: utf8, u32, f32, f64; a batch is a record batch
//
// No cell is null: a text that is missing is empty.

import type { Keys } from "../log/keys.js";
import { arrowFileChunks } from "../embedding/arrow.js";
import { ByteWriter } from "./files/byte-writer.js";
import { quoted } from "./files/delimited.js";
import { jsonString } from "./files/jsonl.js";
import type { RowFormat } from "./row-formats.js";

export interface RowColumn {
  name: string;
  type: "key" | "count" | "f32" | "f64";
}

/** A batch of a column, as its type has it. */
export type RowCells = Keys | Uint32Array | Float32Array | Float64Array;

/** Consecutive rows. */
export interface RowBatch {
  numRows: number;
  /** by column */
  cells: readonly RowCells[];
}

/** The bytes of one file. @param columns of different names */
export function rowChunks(
  format: RowFormat,
  columns: readonly RowColumn[],
  batches: AsyncIterable<RowBatch>,
): AsyncGenerator<Uint8Array> {
  return { csv: csvChunks, jsonl: jsonlChunks, parquet: parquetChunks, arrow: arrowChunks }[format](
    columns,
    batches,
  );
}

/** Keys at the given places, which may repeat; at a place that is none an empty one. */
export function keysAt({ size, bytes, offsets }: Keys, places: Uint32Array): Keys {
  const ends = new Uint32Array(places.length + 1);
  places.forEach((key, i) => {
    ends[i + 1] = ends[i]! + (key < size ? offsets[key + 1]! - offsets[key]! : 0);
  });
  const all = new Uint8Array(ends[places.length]!);
  places.forEach((key, i) => {
    if (key >= size) return;
    // keys are short: a loop is faster than a view of each
    for (let from = offsets[key]!, at = ends[i]!; from < offsets[key + 1]!; from++, at++)
      all[at] = bytes[from]!;
  });
  return { size: places.length, bytes: all, offsets: ends };
}

/** The same rows in batches of one size, but for the last: what a file is made of does not depend on how its rows came. */
export async function* ofOneSize(batches: AsyncIterable<RowBatch>, size: number): AsyncGenerator<RowBatch> {
  let held: RowBatch[] = [];
  let numHeld = 0;
  for await (const batch of batches) {
    let first = 0;
    while (numHeld + batch.numRows - first >= size) {
      const end = first + size - numHeld;
      yield joined([...held, sliced(batch, first, end)]);
      [held, numHeld, first] = [[], 0, end];
    }
    if (first < batch.numRows) held.push(sliced(batch, first, batch.numRows));
    numHeld += batch.numRows - first;
  }
  if (numHeld > 0) yield joined(held);
}

function sliced({ cells }: RowBatch, first: number, end: number): RowBatch {
  return {
    numRows: end - first,
    cells: cells.map((column) =>
      isKeys(column)
        ? keysAt(
            column,
            Uint32Array.from({ length: end - first }, (_, i) => first + i),
          )
        : column.subarray(first, end),
    ),
  };
}

function joined(batches: readonly RowBatch[]): RowBatch {
  if (batches.length === 1) return batches[0]!;
  const numRows = batches.reduce((sum, batch) => sum + batch.numRows, 0);
  return {
    numRows,
    cells: batches[0]!.cells.map((column, c) => {
      if (isKeys(column)) return joinedTexts(batches.map(({ cells }) => cells[c] as Keys));
      const all =
        column instanceof Uint32Array
          ? new Uint32Array(numRows)
          : column instanceof Float32Array
            ? new Float32Array(numRows)
            : new Float64Array(numRows);
      let at = 0;
      for (const { numRows: own, cells } of batches) {
        all.set(cells[c] as Float64Array, at);
        at += own;
      }
      return all;
    }),
  };
}

function joinedTexts(parts: readonly Keys[]): Keys {
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  const offsets = new Uint32Array(size + 1);
  let [row, end] = [0, 0];
  for (const part of parts) {
    for (let i = 1; i <= part.size; i++) offsets[row + i] = end + part.offsets[i]!;
    row += part.size;
    end += part.offsets[part.size]!;
  }
  const bytes = Buffer.concat(parts.map((part) => part.bytes.subarray(0, part.offsets[part.size])));
  return { size, bytes, offsets };
}

function isKeys(cells: RowCells): cells is Keys {
  return "offsets" in cells;
}

const [COMMA, LF] = [44, 10];

async function* csvChunks(
  columns: readonly RowColumn[],
  batches: AsyncIterable<RowBatch>,
): AsyncGenerator<Uint8Array> {
  const out = new ByteWriter();
  columns.forEach(({ name }, c) => {
    if (c > 0) out.byte(COMMA);
    out.bytes(quoted(Buffer.from(name, "utf8"), COMMA));
  });
  out.byte(LF);
  yield* lines(out, columns, batches, {
    before: columns.map((_, c) => Buffer.from(c > 0 ? "," : "")),
    end: Buffer.from("\n"),
    text: (bytes) => quoted(bytes, COMMA),
  });
}

function jsonlChunks(
  columns: readonly RowColumn[],
  batches: AsyncIterable<RowBatch>,
): AsyncGenerator<Uint8Array> {
  return lines(new ByteWriter(), columns, batches, {
    before: columns.map(({ name }, c) => Buffer.from(`${c > 0 ? "," : "{"}${JSON.stringify(name)}:`)),
    end: Buffer.from("}\n"),
    text: jsonString,
  });
}

/** A line a row; what was written is handed on with each batch, so that a reader of a pipe need not wait. */
async function* lines(
  out: ByteWriter,
  columns: readonly RowColumn[],
  batches: AsyncIterable<RowBatch>,
  {
    before,
    end,
    text,
  }: { before: readonly Uint8Array[]; end: Uint8Array; text: (bytes: Uint8Array) => Uint8Array },
): AsyncGenerator<Uint8Array> {
  for await (const { numRows, cells } of batches) {
    const writers = columns.map(({ type }, c) => writerOf(out, type, cells[c]!, text));
    for (let row = 0; row < numRows; row++) {
      writers.forEach((write, c) => {
        out.bytes(before[c]!);
        write(row);
      });
      out.bytes(end);
      if (out.isFull) yield out.take();
    }
    yield out.take();
  }
  yield out.take();
}

function writerOf(
  out: ByteWriter,
  type: RowColumn["type"],
  cells: RowCells,
  text: (bytes: Uint8Array) => Uint8Array,
): (row: number) => void {
  if (isKeys(cells)) {
    const { bytes, offsets } = cells;
    return (row) => {
      out.bytes(text(bytes.subarray(offsets[row], offsets[row + 1])));
    };
  }
  if (type === "count")
    return (row) => {
      out.integer(cells[row]!);
    };
  if (type === "f32")
    return (row) => {
      out.float32(cells[row]!);
    };
  // the shortest text that reads back as the same f64
  return (row) => {
    out.text(String(cells[row]));
  };
}

async function* parquetChunks(
  columns: readonly RowColumn[],
  batches: AsyncIterable<RowBatch>,
): AsyncGenerator<Uint8Array> {
  // the package that it uses is loaded when it is used
  const { ParquetTable } = await import("./files/parquet-table.js");
  const file = new ParquetTable(columns);
  for await (const { numRows, cells } of batches) yield* file.rowGroup(numRows, cells);
  yield file.end();
}

async function* arrowChunks(
  columns: readonly RowColumn[],
  batches: AsyncIterable<RowBatch>,
): AsyncGenerator<Uint8Array> {
  // loaded when used, as for tables
  const { arrow } = await import("../io/apache-arrow.js");
  const { Field, Float32, Float64, makeData, RecordBatch, Schema, Struct, Uint32, Utf8 } = arrow;
  const types = { key: Utf8, count: Uint32, f32: Float32, f64: Float64 };
  const schema = new Schema(columns.map(({ name, type }) => new Field(name, new types[type](), false)));
  const recordOf = ({ numRows: length, cells }: RowBatch) => {
    const children = cells.map((column) => {
      if (isKeys(column)) {
        const { bytes: data, offsets } = column;
        return makeData({
          type: new Utf8(),
          length,
          nullCount: 0,
          valueOffsets: new Int32Array(offsets),
          data,
        });
      }
      if (column instanceof Uint32Array)
        return makeData({ type: new Uint32(), length, nullCount: 0, data: column });
      if (column instanceof Float32Array)
        return makeData({ type: new Float32(), length, nullCount: 0, data: column });
      return makeData({ type: new Float64(), length, nullCount: 0, data: column });
    });
    const type = new Struct(schema.fields);
    return new RecordBatch(schema, makeData({ type, length, nullCount: 0, children }));
  };
  yield* arrowFileChunks(arrow, schema, records());
  async function* records() {
    for await (const batch of batches) yield recordOf(batch);
  }
}
