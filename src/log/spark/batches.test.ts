// Tests that invalid streams, and batches that state more data than they contain, are rejected.

import { IoError } from "../../base/errors.js";
import { arrow } from "../../base/io/apache-arrow.js";
import { batchesIn, int64At, type ExpectedType } from "./batches.js";

const { Int32, Int64, RecordBatch, Schema, Field, Struct, Utf8, makeData, tableToIPC, Table } = arrow;

type Column = ReturnType<typeof makeData>;

/** Returns a stream of one batch whose columns may state arbitrary lengths. */
function stream(columns: readonly Column[], length: number): Uint8Array {
  const fields = columns.map(({ type }, i) => new Field(`c${i}`, type, true));
  const data = makeData({ type: new Struct(fields), length, nullCount: 0, children: [...columns] });
  const batch = new RecordBatch(new Schema(fields), data as never);
  return tableToIPC(new Table(new Schema(fields), [batch]), "stream");
}

const integers = (...values: bigint[]): Column =>
  makeData({ type: new Int64(), length: values.length, nullCount: 0, data: BigInt64Array.from(values) });
const texts = (length: number, offsets: number[], bytes: string): Column =>
  makeData({
    type: new Utf8(),
    ...{ length, nullCount: 0, valueOffsets: Int32Array.from(offsets), data: Buffer.from(bytes) },
  });
const read = (bytes: Uint8Array, ...columns: ExpectedType[]) => batchesIn(bytes, columns, "'x'");

test("batches that hold what they state are read; those without rows are left out", () => {
  const [batch, ...more] = read(
    stream([integers(7n, -(2n ** 40n)), texts(2, [0, 1, 3], "abc")], 2),
    "int64",
    "text",
  );
  expect(more).toEqual([]);
  expect([int64At(batch!.children[0]!, 0), int64At(batch!.children[0]!, 1)]).toEqual([7, -(2 ** 40)]);
  expect(read(stream([integers()], 0), "int64")).toEqual([]);
});

test("bytes that are no stream, or end early, are an error with a code", () => {
  const whole = stream([integers(1n, 2n, 3n, 4n)], 4);
  expect(() => read(Buffer.from("no stream at all"), "int64")).toThrow(IoError);
  expect(() => read(whole.subarray(0, whole.length - 40), "int64")).toThrow(IoError);
});

test("columns that are missing, too many or of another type are an error", () => {
  const bytes = stream([integers(1n)], 1);
  expect(() => read(bytes, "int64", "int64")).toThrow(/1 columns instead of 2/);
  expect(() => read(bytes)).toThrow(/1 columns instead of 0/);
  expect(() => read(bytes, "text")).toThrow(/column 0 is not text/);
  const small = makeData({ type: new Int32(), length: 1, nullCount: 0, data: Int32Array.of(1) });
  expect(() => read(stream([small], 1), "int64")).toThrow(/integers of 64 bits/);
});

test("offsets that fall, or point beyond the bytes, are an error", () => {
  expect(() => read(stream([texts(2, [0, 3, 1], "abc")], 2), "text")).toThrow(/offset 1 after 3/);
  expect(() => read(stream([texts(1, [0, 9_999], "abc")], 1), "text")).toThrow(/Arrow stream/);
});
