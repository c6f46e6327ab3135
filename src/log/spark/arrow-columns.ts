// Converts columns of Arrow batches to the values of the Parquet reader (log/parquet/values.ts), so the code for local
// Parquet files converts typed cells to text, keys and numbers.
//
//   text          its bytes and offsets unchanged            decimal, date, time   hyparquet's conversions
//   integer, float unchanged, at most 64 bits                list                  its values, joined as text

import type { Data } from "apache-arrow";
import type { SchemaElement } from "hyparquet";
import { DataError } from "../../base/errors.js";
import { arrow } from "../../base/io/apache-arrow.js";
import { BatchCursor, type ListBounds } from "../parquet/batch-cursor.js";
import type { LeafColumn } from "../parquet/cursor.js";
import { fixedValues, type PlainValues } from "../parquet/values.js";
import { MISSING, type RowDigest } from "../digest.js";
import type { SparkType } from "./session.js";

function elementOf(name: string, type: SparkType): SchemaElement | undefined {
  const [kind] = Object.keys(type);
  const plain = (
    physical: SchemaElement["type"],
    converted?: SchemaElement["converted_type"],
  ): SchemaElement => ({
    name,
    type: physical,
    converted_type: converted,
  });
  if (kind === "string" || kind === "char" || kind === "varChar") return plain("BYTE_ARRAY", "UTF8");
  if (kind === "byte" || kind === "short" || kind === "integer") return plain("INT32");
  if (kind === "long") return plain("INT64");
  if (kind === "float") return plain("FLOAT");
  if (kind === "double") return plain("DOUBLE");
  if (kind === "boolean" || kind === "null") return plain("BOOLEAN");
  if (kind === "date") return plain("INT32", "DATE");
  if (kind === "timestamp" || kind === "timestampNtz") return plain("INT64", "TIMESTAMP_MICROS");
  if (kind !== "decimal") return undefined;
  const { scale = 0 } = type["decimal"] as { scale?: number };
  return { ...plain("INT64", "DECIMAL"), scale };
}

/** Describes how a column is read; undefined if it holds neither scalars nor lists of scalars. */
export function leafOf(
  name: string,
  type: SparkType,
): Pick<LeafColumn, "element" | "maxRepetition"> | undefined {
  const { elementType } = (type["array"] ?? {}) as { elementType?: SparkType };
  const element = elementOf(name, elementType ?? type);
  return element && { element, maxRepetition: elementType ? 1 : 0 };
}

export function oddColumn(file: string, name: string): DataError {
  return new DataError(
    "expected a column of text, numbers, decimals, booleans, dates, times or lists of these: flatten or cast it in " +
      `a query (--engine-sql), or --ignore ${name}`,
    { file, column: name },
  );
}

export class ArrowCursor extends BatchCursor {
  /** @throws {DataError} a decimal has more digits than are supported */
  constructor(column: LeafColumn, data: Data, path: string) {
    const isList = column.maxRepetition > 0;
    const cells = isList ? data.children[0]! : data;
    const levels = levelsOf(cells);
    const values = nonNullValues(cells, levels, column, path);
    super(column, { values, levels, lists: isList ? listBounds(data) : undefined });
  }

  /** Adds a column to a digest: texts and floats as bytes, integers of any width as 64 bits, other values as text. */
  digest(digest: RowDigest, column: number, numRows: number): void {
    const { values, levels } = this;
    if (this.isList || values.kind === "other") {
      const texts = this.texts(numRows).map((text) => (typeof text === "string" ? text : "\0"));
      digest.addTexts(column, texts);
      return;
    }
    const { bytes, lengthOf } = digestible(values);
    const lengths = new Uint32Array(numRows).fill(MISSING);
    let value = 0;
    for (let row = 0; row < numRows; row++) {
      if (levels && levels[row] === 0) continue;
      const length = lengthOf(value++);
      if (length > 0) lengths[row] = length;
    }
    digest.add(column, bytes, lengths);
  }
}

function digestible(values: Exclude<PlainValues, { kind: "other" }>): {
  bytes: Uint8Array;
  lengthOf: (value: number) => number;
} {
  const { count } = values;
  if (values.kind === "text") {
    const { bytes, bounds } = values;
    return {
      bytes: bytes.subarray(bounds[0], bounds[count]),
      lengthOf: (value) => bounds[value + 1]! - bounds[value]!,
    };
  }
  const of = ({ buffer, byteOffset, byteLength }: Int32Array | Float32Array | Float64Array) =>
    new Uint8Array(buffer, byteOffset, byteLength);
  if (values.kind === "number" || values.kind === "time") {
    const numbers = values.kind === "time" ? values.times : values.values;
    return { bytes: of(numbers), lengthOf: () => numbers.BYTES_PER_ELEMENT };
  }
  return { bytes: of(values.isWide ? values.words : widened(values.words)), lengthOf: () => 8 };
}

/** Returns 32-bit integers as 64-bit integers of two words each, the lower word first. */
function widened(words: Int32Array): Int32Array {
  const wide = new Int32Array(2 * words.length);
  words.forEach((word, i) => {
    wide[2 * i] = word;
    wide[2 * i + 1] = word >> 31;
  });
  return wide;
}

function listBounds(data: Data): ListBounds {
  const bounds = data.valueOffsets as Int32Array;
  return { starts: bounds, ends: bounds.subarray(1), levels: levelsOf(data) };
}

/** Returns u32[rows]: 1 if a value is not null; undefined if none is null. */
function levelsOf({ nullBitmap, nullCount, length, offset }: Data): Uint32Array | undefined {
  if (nullCount === 0 || !nullBitmap || nullBitmap.length === 0) return undefined;
  return Uint32Array.from({ length }, (_, i) => (nullBitmap[(offset + i) >> 3]! >> ((offset + i) & 7)) & 1);
}

/** Largest integer that a decimal's digits may form, because hyparquet computes decimals as 64-bit floats. */
const MOST_EXACT = 2n ** 53n;

/** Whether a column of a batch has the type that the server announced. */
function hasStatedType(
  { type }: Data,
  { type: physical, converted_type: converted }: SchemaElement,
): boolean {
  const is = arrow.DataType;
  if (physical === "BYTE_ARRAY") return is.isUtf8(type);
  if (physical === "BOOLEAN") return is.isBool(type) || is.isNull(type);
  if (converted === "DECIMAL") return is.isDecimal(type);
  return is.isInt(type) || is.isFloat(type) || is.isDate(type) || is.isTimestamp(type);
}

function nonNullValues(
  data: Data,
  levels: Uint32Array | undefined,
  column: LeafColumn,
  path: string,
): PlainValues {
  const { element, name } = column;
  const { length, valueOffsets, values } = data;
  const places: number[] = [];
  if (levels) for (let i = 0; i < length; i++) if (levels[i] === 1) places.push(i);
  const count = levels ? places.length : length;
  const at = levels ? (i: number) => places[i]! : (i: number) => i;
  const picked = <T extends Int32Array | BigInt64Array | Float32Array | Float64Array>(all: T): T =>
    (levels ? all.filter((_, i) => levels[i] === 1) : all) as T;
  const { type, converted_type: converted } = element;
  if (!hasStatedType(data, element))
    throw new DataError("the server's batches do not have the type that it states", {
      file: path,
      column: name,
    });

  if (type === "BYTE_ARRAY") {
    const offsets = valueOffsets as Int32Array;
    const bounds = new Uint32Array(count + 1);
    bounds[0] = offsets[0]!;
    for (let i = 0; i < count; i++) bounds[i + 1] = bounds[i]! + (offsets[at(i) + 1]! - offsets[at(i)]!);
    // missing values get a length of zero bytes, so that the other values have no gaps between them
    if (bounds[count] !== offsets[length])
      throw new DataError("the server sent bytes in missing cells", { file: path, column: name });
    return { count, kind: "text", bytes: values as Uint8Array, bounds, gap: 0 };
  }
  if (type === "BOOLEAN") {
    const bits = values as Uint8Array;
    const offset = data.offset;
    const isTrue = (i: number) => ((bits[(offset + i) >> 3]! >> ((offset + i) & 7)) & 1) === 1;
    return { count, kind: "other", values: Array.from({ length: count }, (_, i) => isTrue(at(i))) };
  }
  if (converted === "DECIMAL") {
    const words = values as unknown as Uint32Array;
    const integers = BigInt64Array.from({ length: count }, (_, i) => {
      let integer = 0n;
      for (let word = 3; word >= 0; word--) integer = (integer << 32n) | BigInt(words[4 * at(i) + word]!);
      integer = BigInt.asIntN(128, integer);
      if (integer < -MOST_EXACT || integer > MOST_EXACT)
        throw new DataError(
          "a decimal of more than 15 digits would be rounded: cast the column to text or double in a query " +
            "(--engine-sql)",
          { file: path, column: name },
        );
      return integer;
    });
    return fixedValues(integers, element);
  }
  // the column's buffer may be longer than its values
  const own = (values as Int32Array).subarray(0, length);
  if (own instanceof Int8Array || own instanceof Int16Array)
    return fixedValues(picked(Int32Array.from(own)), element);
  return fixedValues(picked(own), element);
}
