// Reads Arrow streams from a server, and checks that buffers have the stated length, so that no reader exceeds their
// end.

import type { Data } from "apache-arrow";
import { IoError } from "../../base/errors.js";
import { arrow } from "../../base/io/apache-arrow.js";

export type ExpectedType = "text" | "int64" | "any";

/**
 * Returns the batches of a stream that have rows.
 *
 * @param columns expected type of each column
 * @param what    name of the input in messages: `'file:///logs/a.csv'`
 * @throws {IoError} the bytes are not a stream, or a buffer is shorter than stated
 */
export function batchesIn(bytes: Uint8Array, columns: readonly ExpectedType[], what: string): Data[] {
  try {
    const batches = arrow
      .tableFromIPC(bytes)
      .batches.map(({ data }) => data)
      .filter(({ length }) => length > 0);
    for (const batch of batches) checkBatch(batch, columns);
    return batches;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new IoError(
      `--engine: the server's answer to reading ${what} is not a valid Arrow stream (${why})`,
      {
        cause: error,
      },
    );
  }
}

function checkBatch({ length, children }: Data, columns: readonly ExpectedType[]): void {
  if (children.length !== columns.length)
    throw new Error(`${children.length} columns instead of ${columns.length}`);
  children.forEach((column, i) => {
    if (column.length !== length) throw new Error(`column ${i} has ${column.length} of ${length} rows`);
    const expected = columns[i];
    if (expected === "text" && !arrow.DataType.isUtf8(column.type))
      throw new Error(`column ${i} is not text`);
    if (expected === "int64" && !(column.values instanceof BigInt64Array))
      throw new Error(`column ${i} does not have integers of 64 bits`);
    checkBuffers(column, `column ${i}`);
  });
}

/** @throws {Error} a buffer is shorter than its rows require, or an offset is beyond the end of the data */
function checkBuffers(data: Data, name: string): void {
  const { type, length, offset, nullCount, nullBitmap, children } = data;
  const short = (what: string) => new Error(`${name} has too few ${what} for ${length} rows`);
  if (nullCount > 0 && nullBitmap && 8 * nullBitmap.length < offset + length) throw short("validity bits");
  if (arrow.DataType.isNull(type)) return;
  if (arrow.DataType.isUtf8(type) || arrow.DataType.isBinary(type)) {
    checkOffsets(data, data.values.length, name);
  } else if (arrow.DataType.isList(type)) {
    const [values] = children;
    if (!values) throw short("lists");
    checkOffsets(data, values.length, name);
    checkBuffers(values, name);
  } else if (arrow.DataType.isBool(type)) {
    if (8 * data.values.length < offset + length) throw short("bits");
  } else {
    // a decimal consists of four 32-bit words
    const width = arrow.DataType.isDecimal(type) ? 4 : 1;
    if (!ArrayBuffer.isView(data.values)) throw new Error(`${name} has no values`);
    if ((data.values as Uint8Array).length < width * length) throw short("values");
  }
}

/** Checks that offsets ascend, from at least 0 to at most `end`. */
function checkOffsets({ length, valueOffsets }: Data, end: number, name: string): void {
  if (!(valueOffsets instanceof Int32Array) || valueOffsets.length < length + 1)
    throw new Error(`${name} has too few offsets for ${length} rows`);
  let last = 0;
  for (let i = 0; i <= length; i++) {
    const next = valueOffsets[i]!;
    if (next < last || next > end) throw new Error(`${name} has offset ${next} after ${last}, of ${end}`);
    last = next;
  }
}

/** Returns a 64-bit integer, which is below 2^53. */
export function int64At({ values }: Data, row: number): number {
  const words = wordsOf(values as BigInt64Array);
  return words[2 * row + 1]! * 2 ** 32 + (words[2 * row]! >>> 0);
}

const known = new WeakMap<BigInt64Array, Int32Array>();

/** Returns a view of the same bytes as 32-bit words, because converting a BigInt takes ten times as long. */
function wordsOf(values: BigInt64Array): Int32Array {
  let words = known.get(values);
  if (!words) {
    words = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
    known.set(values, words);
  }
  return words;
}
