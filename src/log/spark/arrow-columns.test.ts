// Tests that columns of Arrow are read as cells, including nulls and lists.

import { arrow } from "../../base/io/apache-arrow.js";
import type { LeafColumn } from "../parquet/cursor.js";
import { ArrowCursor, leafOf } from "./arrow-columns.js";
import { RowDigest } from "../digest.js";
import type { SparkType } from "./session.js";

const {
  Bool,
  Decimal,
  Float32,
  Int32,
  Int64,
  List,
  Field,
  TimestampMicrosecond,
  Utf8,
  vectorFromArray,
  DateDay,
} = arrow;

function cursorOf(type: SparkType, data: unknown): ArrowCursor {
  const rest = { codec: "UNCOMPRESSED", start: 0, end: 0, numValues: 0, maxDefinition: 1 };
  const column: LeafColumn = { name: "x", ...leafOf("x", type)!, ...rest };
  return new ArrowCursor(column, data as ConstructorParameters<typeof ArrowCursor>[1], "file");
}

/** Returns the cells of an Arrow vector. */
function cells(type: SparkType, vector: { data: readonly unknown[]; length: number }): unknown[] {
  return cursorOf(type, vector.data[0]).texts(vector.length);
}

test("cells are the texts of a Parquet column, and missing ones are empty", () => {
  expect(cells({ string: {} }, vectorFromArray(["a", null, "", "ü"], new Utf8()))).toEqual([
    "a",
    "",
    "",
    "ü",
  ]);
  expect(cells({ long: {} }, vectorFromArray([1n, null, -(2n ** 60n)], new Int64()))).toEqual([
    "1",
    "",
    "-1152921504606846976",
  ]);
  expect(cells({ float: {} }, vectorFromArray([0.1, null, NaN, -0], new Float32()))).toEqual([
    "0.1",
    "",
    "",
    "0",
  ]);
  expect(cells({ boolean: {} }, vectorFromArray([true, null, false], new Bool()))).toEqual([
    "true",
    "",
    "false",
  ]);
  const day = vectorFromArray([new Date("1960-02-07"), null], new DateDay());
  expect(cells({ date: {} }, day)).toEqual(["1960-02-07", ""]);
  const time = vectorFromArray([1_767_268_800_123, null], new TimestampMicrosecond());
  expect(cells({ timestamp: {} }, time)).toEqual(["2026-01-01T12:00:00.123Z", ""]);
});

test("lists are joined; those that are missing or empty are empty", () => {
  const list = new List(new Field("item", new Utf8(), true));
  const vector = vectorFromArray([["a", null, "b"], null, [], ["c"]], list);
  expect(cells({ array: { elementType: { string: {} } } }, vector)).toEqual(["a|b", "", "", "c"]);
});

test("decimals that a double does not hold are refused", () => {
  const words = (value: bigint) =>
    Uint32Array.from([0, 1, 2, 3], (i) => Number(BigInt.asUintN(32, value >> BigInt(32 * i))));
  const data = (value: bigint) =>
    arrow.makeData({ type: new Decimal(2, 30), length: 1, nullCount: 0, data: words(value) });
  const type = { decimal: { scale: 2, precision: 30 } };
  expect(cursorOf(type, data(-1250n)).texts(1)).toEqual(["-12.5"]);
  expect(() => cursorOf(type, data(2n ** 53n + 1n))).toThrow(/more than 15 digits/);
});

test("structs and maps are no columns", () => {
  expect(leafOf("x", {})).toBeUndefined();
  expect(leafOf("x", { struct: {} })).toBeUndefined();
  expect(leafOf("x", { array: { elementType: { array: {} } } })).toBeUndefined();
});

test("a checksum does not depend on batches, and does on values, missing ones and their places", () => {
  const sumOf =
    <T>(
      type: SparkType,
      arrowType: InstanceType<typeof Utf8 | typeof Int64 | typeof Int32 | typeof Float32>,
    ) =>
    (...batches: T[][]) => {
      const digest = new RowDigest(1);
      for (const batch of batches)
        cursorOf(type, vectorFromArray(batch, arrowType).data[0]).digest(digest, 0, batch.length);
      return digest.sha256();
    };
  const texts = sumOf<string | null>({ string: {} }, new Utf8());
  const whole = texts(["a", null, "bc", "d"]);
  expect(texts(["a"], [null, "bc"], ["d"])).toBe(whole);
  const others = [
    texts(["a", "bc", null, "d"]),
    texts(["a", null, "b", "cd"]),
    texts(["a", null, "bc"]),
    texts(["a", null, "bc", "e"]),
  ];
  expect(new Set([whole, ...others]).size).toBe(5);

  // a column of wider integers with the same values has the same digest
  const longs = sumOf<bigint | null>({ long: {} }, new Int64());
  const integers = sumOf<number | null>({ integer: {} }, new Int32());
  expect(integers([1, null], [-7])).toBe(longs([1n], [null, -7n]));
  expect(new Set([longs([1n, null, -7n]), longs([1n, -7n, null]), longs([1n, null, 7n])]).size).toBe(3);

  const floats = sumOf<number | null>({ float: {} }, new Float32());
  expect(floats([0.5, null], [2])).toBe(floats([0.5, null, 2]));
  expect(floats([0.5, null, 2])).not.toBe(floats([0.5, 2, null]));
});
