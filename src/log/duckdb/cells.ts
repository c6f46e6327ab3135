// Converts columns of DuckDB's vectors to the values of the Parquet reader (log/parquet/values.ts).

import type { SchemaElement } from "hyparquet";
import { DataError } from "../../base/errors.js";
import type { BatchColumn } from "../parquet/batch-cursor.js";
import type { LeafColumn } from "../parquet/cursor.js";
import { fixedValues, type PlainValues } from "../parquet/values.js";
import { TypeId } from "./types.js";
import { ListColumn, TextColumn, type FixedColumn, type ScalarColumn, type VectorColumn } from "./vectors.js";

/**
 * Returns a DuckDB column in the form that the Parquet reader reads. Where possible, both share memory.
 *
 * @throws {DataError} a decimal has more digits than a 64-bit float holds
 */
export function batchColumn(leaf: LeafColumn, column: VectorColumn, path: string): BatchColumn {
  const cells = column instanceof ListColumn ? column.elements : (column as ScalarColumn);
  const values =
    cells instanceof TextColumn ? textValuesOf(cells) : fixedValuesOf(cells as FixedColumn, leaf, path);
  const lists =
    column instanceof ListColumn
      ? { starts: column.starts, ends: column.ends, levels: levelsOf(column) }
      : undefined;
  return { values, levels: levelsOf(cells), lists };
}

function levelsOf({ hasNulls, valid, numRows }: VectorColumn): Uint32Array | undefined {
  return hasNulls ? Uint32Array.from(valid.subarray(0, numRows)) : undefined;
}

function textValuesOf(column: TextColumn): PlainValues {
  const { texts: bytes, valid, hasNulls, numRows } = column;
  const bounds = column.bounds.subarray(0, numRows + 1);
  if (!hasNulls) return { count: numRows, kind: "text", bytes, bounds, gap: 0 };
  // a missing text has no bytes, so the texts of other rows have no gaps between them
  const own = bounds.filter((_, i) => i === 0 || valid[i - 1] === 1);
  return { count: own.length - 1, kind: "text", bytes, bounds: own, gap: 0 };
}

function fixedValuesOf(
  column: FixedColumn,
  { element, name }: LeafColumn,
  path: string,
): BatchColumn["values"] {
  const { id, stored } = column.type;
  const bytes = presentBytes(column);
  const { buffer, byteOffset, byteLength } = bytes;
  const words = () => new Int32Array(buffer, byteOffset, byteLength / 4);
  const wide = () => new BigInt64Array(buffer, byteOffset, byteLength / 8);
  const of = (stored: ArrayLike<unknown>) => ({ stored });
  switch (id) {
    case TypeId.BOOLEAN:
      return { count: bytes.length, kind: "other", values: Array.from(bytes, (byte) => byte !== 0) };
    case TypeId.FLOAT:
      return of(new Float32Array(buffer, byteOffset, byteLength / 4));
    case TypeId.DOUBLE:
      return of(new Float64Array(buffer, byteOffset, byteLength / 8));
    case TypeId.HUGEINT:
    case TypeId.UHUGEINT:
      return hugeValues(words(), id === TypeId.UHUGEINT, element);
    case TypeId.UUID:
      return uuidTexts(bytes);
    case TypeId.TIMESTAMP_S:
      return of(wide().map(milliseconds));
    case TypeId.DECIMAL:
      return of(decimalDigits(bytes, stored, { file: path, column: name }));
  }
  const integers = narrowIntegers(bytes, id);
  if (integers) return of(integers);
  return of(column.type.width === 8 ? wide() : words());
}

/** Converts seconds to milliseconds; those of infinite timestamps exceed 64 bits and stay, out of the times' range. */
function milliseconds(seconds: bigint): bigint {
  return BigInt.asIntN(64, seconds * 1000n) / 1000n === seconds ? seconds * 1000n : seconds;
}

function presentBytes(column: FixedColumn): Uint8Array {
  const bytes = column.bytes();
  if (!column.hasNulls) return bytes;
  const { valid, numRows } = column;
  const { width } = column.type;
  const present = new Uint8Array(bytes.length);
  let at = 0;
  for (let row = 0; row < numRows; row++) {
    if (valid[row] === 0) continue;
    for (let i = 0; i < width; i++) present[at + i] = bytes[width * row + i]!;
    at += width;
  }
  return present.subarray(0, at);
}

/** Widens integers of 8 or 16 bits to 32 bits; undefined for wider integers. */
function narrowIntegers({ buffer, byteOffset, byteLength }: Uint8Array, id: number): Int32Array | undefined {
  if (id === TypeId.TINYINT) return Int32Array.from(new Int8Array(buffer, byteOffset, byteLength));
  if (id === TypeId.UTINYINT) return Int32Array.from(new Uint8Array(buffer, byteOffset, byteLength));
  if (id === TypeId.SMALLINT) return Int32Array.from(new Int16Array(buffer, byteOffset, byteLength / 2));
  if (id === TypeId.USMALLINT) return Int32Array.from(new Uint16Array(buffer, byteOffset, byteLength / 2));
  return undefined;
}

/** Converts integers of 128 bits to 64 bits if all values fit, and otherwise to text. */
function hugeValues(words: Int32Array, unsigned: boolean, element: SchemaElement): PlainValues {
  const count = words.length / 4;
  const low = new Int32Array(2 * count);
  let isWide = true;
  for (let i = 0; i < count && isWide; i++) {
    const high = words[4 * i + 1]!;
    const sign = unsigned ? 0 : high >> 31;
    isWide = words[4 * i + 2] === sign && words[4 * i + 3] === sign;
    low[2 * i] = words[4 * i]!;
    low[2 * i + 1] = high;
  }
  if (isWide) return fixedValues(new BigInt64Array(low.buffer), element);
  const values = Array.from({ length: count }, (_, i) => {
    let value = 0n;
    for (let word = 3; word >= 0; word--) value = (value << 32n) | BigInt(words[4 * i + word]! >>> 0);
    return unsigned ? value : BigInt.asIntN(128, value);
  });
  return { count, kind: "other", values };
}

/** Returns the digits as integers. @throws {DataError} a decimal has more digits than a 64-bit float holds */
function decimalDigits(
  bytes: Uint8Array,
  stored: number,
  place: { file: string; column: string },
): Int32Array | Float64Array {
  const { buffer, byteOffset, byteLength } = bytes;
  if (stored === TypeId.INTEGER) return new Int32Array(buffer, byteOffset, byteLength / 4);
  const narrow = narrowIntegers(bytes, stored);
  if (narrow) return narrow;
  const perValue = stored === TypeId.HUGEINT ? 4 : 2;
  const words = new Int32Array(buffer, byteOffset, byteLength / 4);
  return Float64Array.from({ length: words.length / perValue }, (_, i) => {
    const [low, high] = [words[perValue * i]! >>> 0, words[perValue * i + 1]!];
    const digits = high * 2 ** 32 + low;
    const sign = high >> 31;
    const fits = perValue === 2 || (words[4 * i + 2] === sign && words[4 * i + 3] === sign);
    if (fits && Number.isSafeInteger(digits)) return digits;
    throw new DataError(
      "a decimal of more than 15 digits would be rounded: cast the column to VARCHAR or DOUBLE in the query",
      place,
    );
  });
}

const HEX = "0123456789abcdef";
/** Indexes of the hyphens in the 36 characters of a UUID. */
const HYPHENS = new Set([8, 13, 18, 23]);

/** Converts UUIDs to texts. DuckDB stores a UUID as an integer of 128 bits whose highest bit is inverted. */
function uuidTexts(bytes: Uint8Array): PlainValues {
  const count = bytes.length / 16;
  const texts = new Uint8Array(36 * count);
  const bounds = Uint32Array.from({ length: count + 1 }, (_, i) => 36 * i);
  for (let i = 0; i < count; i++) {
    let [from, to] = [16 * i + 15, 36 * i];
    for (let at = 0; at < 36; at++) {
      if (HYPHENS.has(at)) {
        texts[to++] = 0x2d;
        continue;
      }
      const byte = from === 16 * i + 15 ? bytes[from]! ^ 0x80 : bytes[from]!;
      texts[to++] = HEX.charCodeAt(byte >> 4);
      texts[to++] = HEX.charCodeAt(byte & 15);
      at++;
      from--;
    }
  }
  return { count, kind: "text", bytes: texts, bounds, gap: 0 };
}
