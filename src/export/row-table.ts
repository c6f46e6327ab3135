// Writes rows of texts and numbers to a file, with named columns.
//
//   csv      a header, cells quoted by RFC 4180 if necessary
//   jsonl    an object per row
//   parquet  texts, UINT_32, FLOAT, DOUBLE; a batch is a row group
//   arrow    an Arrow IPC file: utf8, u32, f32, f64; a batch is a record batch
//
// No cell is null: a missing text is empty.

import { joinedKeys, selectKeys, type Keys } from "../log/keys.js";
import { arrowFileChunks } from "../table/arrow.js";
import { RowKernel, type WrittenColumn } from "../compute/kernels/rows/binding.js";
import { ByteWriter } from "./files/byte-writer.js";
import { quotedCell } from "./files/delimited.js";
import { jsonString } from "./files/jsonl.js";
import type { RowFormat } from "./row-formats.js";
import { keyBytes } from "./selection.js";

export interface RowColumn {
  name: string;
  type: "key" | "count" | "f32" | "f64";
}

/** Keys selected by index; an index may occur several times, and an invalid index gives an empty text. */
interface PlacedKeys {
  keys: Keys;
  places: Uint32Array;
}

export type RowCells = Keys | PlacedKeys | Uint32Array | Float32Array | Float64Array;

export interface RowBatch {
  numRows: number;
  cells: readonly RowCells[];
}

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

/** Batches of equal size, except for the last, so that a file does not depend on the incoming batches. */
export async function* ofOneSize(batches: AsyncIterable<RowBatch>, size: number): AsyncGenerator<RowBatch> {
  let held: RowBatch[] = [];
  let numHeld = 0;
  for await (const batch of batches) {
    let first = 0;
    while (numHeld + batch.numRows - first >= size) {
      const end = first + size - numHeld;
      yield joinedBatches([...held, sliced(batch, first, end)]);
      [held, numHeld, first] = [[], 0, end];
    }
    if (first < batch.numRows) held.push(sliced(batch, first, batch.numRows));
    numHeld += batch.numRows - first;
  }
  if (numHeld > 0) yield joinedBatches(held);
}

function sliced({ cells }: RowBatch, first: number, end: number): RowBatch {
  return {
    numRows: end - first,
    cells: cells.map((column) => {
      if ("places" in column) return { ...column, places: column.places.subarray(first, end) };
      if ("offsets" in column)
        return { keys: column, places: Uint32Array.from({ length: end - first }, (_, i) => first + i) };
      return column.subarray(first, end);
    }),
  };
}

function joinedBatches(batches: readonly RowBatch[]): RowBatch {
  if (batches.length === 1) return batches[0]!;
  const numRows = batches.reduce((sum, batch) => sum + batch.numRows, 0);
  return {
    numRows,
    cells: batches[0]!.cells.map((column, c) => {
      if (isText(column)) return joinedKeys(...batches.map(({ cells }) => keysIn(cells[c] as Keys)));
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

function isText(cells: RowCells): cells is Keys | PlacedKeys {
  return "offsets" in cells || "places" in cells;
}

function keysIn(cells: Keys | PlacedKeys): Keys {
  return "places" in cells ? selectKeys(cells.keys, cells.places) : cells;
}

const COMMA = 44;

async function* csvChunks(
  columns: readonly RowColumn[],
  batches: AsyncIterable<RowBatch>,
): AsyncGenerator<Uint8Array> {
  const text = (bytes: Uint8Array) => quotedCell(bytes, COMMA);
  const names = columns.map(({ name }) => Buffer.from(text(Buffer.from(name, "utf8"))).toString("utf8"));
  let header: Buffer | undefined = Buffer.from(`${names.join(",")}\n`, "utf8");
  // the header is written together with the first rows, so that nothing is written if reading these rows fails
  for await (const chunk of rowLines(batches, {
    before: columns.map((_, c) => (c > 0 ? "," : "")),
    end: "\n",
    text,
  })) {
    yield header ? Buffer.concat([header, chunk]) : chunk;
    header = undefined;
  }
  if (header) yield header;
}

function jsonlChunks(
  columns: readonly RowColumn[],
  batches: AsyncIterable<RowBatch>,
): AsyncGenerator<Uint8Array> {
  const before = columns.map(({ name }, c) => `${c > 0 ? "," : "{"}${JSON.stringify(name)}:`);
  return rowLines(batches, { before, end: "}\n", text: jsonString });
}

/** Minimum number of rows in a batch for which starting the WebAssembly kernel that formats rows saves time. */
const KERNEL_ROWS = 1 << 13;

/** The syntax in which rows are written as lines. */
interface LineStyle {
  before: readonly string[];
  end: string;
  text: (key: Uint8Array, column: number) => Uint8Array;
}

/** Yields one line per row; chunks are yielded after each batch, so that a reader of a pipe does not have to wait. */
export async function* rowLines(
  batches: AsyncIterable<RowBatch>,
  { before, end, text }: LineStyle,
): AsyncGenerator<Uint8Array> {
  const out = new ByteWriter();
  const [heads, tail] = [before.map((each) => Buffer.from(each, "utf8")), Buffer.from(end)];
  // keys that occur in several batches, such as items, are converted to bytes once
  const made: (WeakMap<Keys, Keys> | undefined)[] = [];
  let kernel: RowKernel | undefined;
  for await (const { numRows, cells } of batches) {
    const columns = cells.map((column, c) => {
      made[c] ??= new WeakMap();
      return writtenColumn(column, { head: heads[c]!, text: (key) => text(key, c), made: made[c] });
    });
    if (numRows >= KERNEL_ROWS) kernel ??= await RowKernel.start();
    const fast = numRows >= KERNEL_ROWS && kernel?.take(columns, tail) === true ? kernel : undefined;
    for (let row = 0; row < numRows;) {
      if (fast) {
        const written = fast.write(row, numRows);
        if (written.bytes.length > 0) yield written.bytes;
        // the kernel cannot write this row: a number in a format that it does not support, or a text that exceeds its
        // buffer
        if (written.row === row) {
          row = writeLines(out, columns, tail, row, row + 1);
          yield out.take();
        } else row = written.row;
        continue;
      }
      row = writeLines(out, columns, tail, row, numRows);
      if (out.isFull) yield out.take();
    }
    if (!fast) yield out.take();
  }
}

interface CellStyle {
  head: Uint8Array;
  text: (key: Uint8Array) => Uint8Array;
  made: WeakMap<Keys, Keys>;
}

function writtenColumn(cells: RowCells, style: CellStyle): WrittenColumn {
  const none = { texts: undefined, places: undefined, counts: undefined, f32: undefined, f64: undefined };
  const column: WrittenColumn = { head: style.head, ...none };
  if (isText(cells)) {
    const placed = "places" in cells;
    const keys = placed ? cells.keys : cells;
    column.texts = style.made.get(keys) ?? writtenKeys(keys, style);
    if (placed) column.places = cells.places;
  } else if (cells instanceof Uint32Array) column.counts = cells;
  else if (cells instanceof Float32Array) column.f32 = cells;
  else column.f64 = cells;
  return column;
}

/** @returns the first row that was not written, because the writer's buffer is full */
function writeLines(
  out: ByteWriter,
  columns: readonly WrittenColumn[],
  tail: Uint8Array,
  first: number,
  numRows: number,
): number {
  let row = first;
  for (; row < numRows && !out.isFull; row++) {
    for (const { head, texts, places, counts, f32, f64 } of columns) {
      if (texts) {
        // an invalid index denotes the last text, which is empty
        const place = places ? Math.min(places[row]!, texts.size - 1) : row;
        out.bytesOf(texts.bytes, texts.offsets[place]!, texts.offsets[place + 1]!);
        continue;
      }
      out.bytesOf(head, 0, head.length);
      if (counts) out.integer(counts[row]!);
      else if (f32) out.float32(f32[row]!);
      // String returns the shortest text that reads back as the same 64-bit float
      else out.text(String(f64![row]));
    }
    out.bytesOf(tail, 0, tail.length);
  }
  return row;
}

/** The text in front of each key, then the converted key. The bytes for an empty key come last. */
function writtenKeys(keys: Keys, { head, text, made }: CellStyle): Keys {
  const texts = Array.from({ length: keys.size + 1 }, (_, key) => [
    head,
    text(key < keys.size ? keyBytes({ keys }, key) : EMPTY),
  ]).flat();
  const offsets = new Uint32Array(keys.size + 2);
  for (let key = 0; key <= keys.size; key++)
    offsets[key + 1] = offsets[key]! + head.length + texts[2 * key + 1]!.length;
  const written = { size: keys.size + 1, bytes: Buffer.concat(texts), offsets };
  made.set(keys, written);
  return written;
}

const EMPTY = new Uint8Array(0);

async function* parquetChunks(
  columns: readonly RowColumn[],
  batches: AsyncIterable<RowBatch>,
): AsyncGenerator<Uint8Array> {
  // imports the writer of Parquet on demand, because few commands need it
  const { ParquetTable } = await import("./files/parquet-table.js");
  const file = new ParquetTable(columns);
  for await (const { numRows, cells } of batches)
    yield* file.rowGroup(
      numRows,
      cells.map((column) => (isText(column) ? keysIn(column) : column)),
    );
  yield file.end();
}

async function* arrowChunks(
  columns: readonly RowColumn[],
  batches: AsyncIterable<RowBatch>,
): AsyncGenerator<Uint8Array> {
  // imports Apache Arrow on demand, because few commands need it
  const { arrow } = await import("../base/io/apache-arrow.js");
  const { Field, Float32, Float64, makeData, RecordBatch, Schema, Struct, Uint32, Utf8 } = arrow;
  const types = { key: Utf8, count: Uint32, f32: Float32, f64: Float64 };
  const schema = new Schema(columns.map(({ name, type }) => new Field(name, new types[type](), false)));
  const recordOf = ({ numRows: length, cells }: RowBatch) => {
    const children = cells.map((column) => {
      if (isText(column)) {
        const { bytes: data, offsets } = keysIn(column);
        const valueOffsets = new Int32Array(offsets);
        return makeData({ type: new Utf8(), length, nullCount: 0, valueOffsets, data });
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
