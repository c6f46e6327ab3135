// Converts values of Parquet to the text of cells, as specified in docs/formats.md.
//
// This file and values.ts import parts of hyparquet that it does not export: its conversions of logical types, and its
// decoders. A minor version may move or change them, so package.json pins one version exactly; after raising it, run the
// tests of this folder and the format tests of acceptance/.

import type { SchemaElement } from "hyparquet";
import { convert, DEFAULT_PARSERS } from "hyparquet/src/convert.js";
import { RowFault } from "../text/record-form.js";

/** The kinds of a leaf's values; the first four kinds bypass hyparquet's conversion of types. */
export type LeafKind = "text" | "integer" | "number" | "boolean" | "other";

export function leafKind(element: SchemaElement): { kind: LeafKind; unsigned: boolean } {
  const { type, converted_type: converted, logical_type: logical } = element;
  const isOneOf = (names: string) => converted === undefined || names.split(" ").includes(converted);
  const unsigned =
    converted === "UINT_32" ||
    converted === "UINT_64" ||
    (logical?.type === "INTEGER" && logical.bitWidth >= 32 && !logical.isSigned);
  const hasBits = (bits: number) =>
    logical === undefined ||
    logical.type === "TIME" ||
    (logical.type === "INTEGER" && (bits === 64) === (logical.bitWidth === 64));
  const isInteger =
    (type === "INT32" && isOneOf("INT_8 INT_16 INT_32 UINT_8 UINT_16 UINT_32 TIME_MILLIS") && hasBits(32)) ||
    (type === "INT64" && isOneOf("INT_64 UINT_64 TIME_MICROS") && hasBits(64));
  if (isInteger) return { kind: "integer", unsigned };
  const isPlain = converted === undefined && logical === undefined;
  if (type === "BYTE_ARRAY" && isOneOf("UTF8 ENUM JSON") && (logical === undefined || isText(logical.type)))
    return { kind: "text", unsigned };
  if ((type === "FLOAT" || type === "DOUBLE") && isPlain) return { kind: "number", unsigned };
  return { kind: type === "BOOLEAN" && isPlain ? "boolean" : "other", unsigned };
}

function isText(logical: string): boolean {
  return ["STRING", "ENUM", "JSON"].includes(logical);
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Parsers that hyparquet calls: they check that text is UTF-8, and leave JSON as text. */
const parsers = {
  ...DEFAULT_PARSERS,
  stringFromBytes: (bytes: Uint8Array | undefined) => bytes && decoder.decode(bytes),
  jsonFromBytes: (bytes: Uint8Array | undefined) => bytes && decoder.decode(bytes),
};

/** Returns the time unit of a leaf that stores times since 1970 in 32 or 64 bits; undefined if it stores no times. */
export function timeUnitOf({
  type,
  converted_type: converted,
  logical_type: logical,
}: SchemaElement): "DAYS" | "MILLIS" | "MICROS" | "NANOS" | undefined {
  if (type === "INT32") return converted === "DATE" ? "DAYS" : undefined;
  if (type !== "INT64") return undefined;
  if (converted === "TIMESTAMP_MILLIS") return "MILLIS";
  if (converted === "TIMESTAMP_MICROS") return "MICROS";
  return converted === undefined && logical?.type === "TIMESTAMP" ? logical.unit : undefined;
}

/** Converts values to the logical type as hyparquet does. @throws {Error} hyparquet does not support the type */
export function converted(values: ArrayLike<unknown>, element: SchemaElement): ArrayLike<unknown> {
  const { type } = element;
  if (type === undefined) throw new Error("a column without a type");
  const root = { element: { name: "" }, children: [], count: 0, path: [] };
  const schemaPath = [root, { ...root, element }];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- any array of hyparquet's
  const data = values as Parameters<typeof convert>[0];
  return convert(data, { pathInSchema: [], type, element, schemaPath, codec: "UNCOMPRESSED", parsers });
}

/** Decodes UTF-8. @throws {Error} the bytes are not UTF-8 */
export function decodedText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Converts a value to the text of a cell; null gives an empty text. @throws {RowFault} the value has no text */
export function cellText(
  value: unknown,
  { type, converted_type, scale }: SchemaElement,
  column: string,
): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    // hyparquet multiplies decimals by a power of ten, which is inexact: 7 * 0.1 is 0.7000000000000001
    if (converted_type === "DECIMAL") return numberText(Number(value.toFixed(scale ?? 0)));
    return type === "FLOAT" ? floatText(value) : numberText(value);
  }
  if (value instanceof Date) return timeText(value.getTime(), false, column);
  throw new RowFault(
    "value of a type that is no cell",
    "expected text, a number, a boolean, a time or a list of these",
    column,
  );
}

/** Returns a time as ISO 8601, or a day as a date. @param time ms since 1970 @throws {RowFault} out of range */
export function timeText(time: number, isDay: boolean, column: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) throw new RowFault("no time", "the time is out of range", column);
  return isDay ? date.toISOString().slice(0, 10) : date.toISOString();
}

/** Returns the text of a number; empty for NaN, which many writers store for a missing number. */
export function numberText(value: number): string {
  if (Number.isNaN(value)) return "";
  return Object.is(value, -0) ? "0" : String(value);
}

/** Returns the shortest text that reads back as the same 32-bit float: 0.1 and not 0.10000000149011612. */
export function floatText(value: number): string {
  for (let digits = 6; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return numberText(short);
  }
  return numberText(value);
}
