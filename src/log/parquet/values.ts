// The values of a page, stored in the bytes of the page or as indices into a dictionary. A value is converted when it
// is requested, and a value of a dictionary only once.

import type { ParquetType, SchemaElement } from "hyparquet";
import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { byteStreamSplit } from "hyparquet/src/encoding.js";
import { readPlain } from "hyparquet/src/plain.js";
import type { PageRegion } from "./memory.js";
import type { DictionaryPage, Page } from "./pages.js";
import { Runs } from "./runs.js";
import {
  converted,
  decodedText,
  floatText,
  leafKind,
  numberText,
  cellText,
  timeText,
  timeUnitOf,
} from "./text.js";

/** Decoded values in order. There may be fewer than the page states; callers check `count`. */
export type PlainValues = { count: number } & (
  | {
      kind: "text";
      bytes: Uint8Array;
      /**
       * u32[count + 1]: text i is bytes[bounds[i] + gap .. bounds[i + 1]); `gap` bytes before each text hold its length
       */
      bounds: Uint32Array;
      gap: number;
    }
  /** integers as 32-bit words, one or (if isWide) two per value, the lower word first */
  | { kind: "integer"; words: Int32Array; isWide: boolean; unsigned: boolean }
  | { kind: "number"; values: Float32Array | Float64Array }
  /** times in milliseconds since 1970; isDay: the values are dates without a time of day */
  | { kind: "time"; times: Float64Array; isDay: boolean }
  /** values of any type, as hyparquet returns them */
  | { kind: "other"; values: ArrayLike<unknown> }
);

/** The values of a page that were not read yet. */
export type PageValues =
  /** ordinal: number of the dictionary among those of the column chunk */
  | { isCoded: true; runs: Runs; dictionary: PlainValues; ordinal: number; memory: PageRegion | undefined }
  | { isCoded: false; values: PlainValues; at: number };

const [PLAIN, PLAIN_DICTIONARY, RLE, DELTA, DELTA_LENGTH, DELTA_BYTES, RLE_DICTIONARY, SPLIT] = [
  0, 2, 3, 5, 6, 7, 8, 9,
];

const BOOLEANS: PlainValues = { count: 2, kind: "other", values: [false, true] };

/**
 * Returns the values of a data page.
 *
 * @param dictionary the latest dictionary of the column chunk
 * @throws {Error} the bytes are invalid in the encoding, or the encoding is not supported
 */
export function pageValues(
  page: Page,
  element: SchemaElement,
  dictionary: { ordinal: number; values: PlainValues } | undefined,
): PageValues {
  const { encoding, count, values: bytes, memory } = page;
  // a page that contains only nulls may lack even the byte that states the bit width
  if (bytes.length === 0) return plain({ count: 0, kind: "other", values: [] });
  const booleans = { isCoded: true, dictionary: BOOLEANS, ordinal: 0, memory } as const;
  const isBoolean = element.type === "BOOLEAN";
  if (encoding === PLAIN && isBoolean)
    return { ...booleans, runs: Runs.packed(bytes, 0, 1, Math.min(count, 8 * bytes.length)) };
  if (encoding === RLE && isBoolean) return { ...booleans, runs: new Runs(bytes, 4, bytes.length, 1, count) };
  if (encoding === PLAIN_DICTIONARY || encoding === RLE_DICTIONARY) {
    if (!dictionary) throw new Error("indices without a dictionary");
    const runs = new Runs(bytes, 1, bytes.length, bytes[0]!, count);
    return { isCoded: true, runs, dictionary: dictionary.values, ordinal: dictionary.ordinal, memory };
  }
  if (encoding === PLAIN && memory && leafKind(element).kind === "text")
    return plain(textValues({ bytes, bounds: memory.textBounds(bytes, count), gap: 4 }, element));
  if (encoding === PLAIN && memory && FIXED.has(element.type!))
    return plain(fixedValues(fixedArray(memory.aligned(bytes), count, element), element, memory.times));
  // hyparquet and the text decoder do not accept shared memory
  return plain(uncodedValues({ ...page, values: memory ? bytes.slice() : bytes }, element));
}

/** Physical types whose values are stored as a plain array. */
const FIXED: ReadonlySet<string> = new Set(["INT32", "INT64", "FLOAT", "DOUBLE"]);

/** Returns the values of a plain array, fewer if bytes are missing. @param bytes array aligned to 8 bytes */
function fixedArray(
  { buffer, byteOffset, length }: Uint8Array,
  count: number,
  { type }: SchemaElement,
): Int32Array | BigInt64Array | Float32Array | Float64Array {
  const stored = Math.min(count, Math.floor(length / (type === "INT32" || type === "FLOAT" ? 4 : 8)));
  if (type === "INT32") return new Int32Array(buffer, byteOffset, stored);
  if (type === "INT64") return new BigInt64Array(buffer, byteOffset, stored);
  return type === "FLOAT"
    ? new Float32Array(buffer, byteOffset, stored)
    : new Float64Array(buffer, byteOffset, stored);
}

function uncodedValues({ encoding, count, values: bytes }: Page, element: SchemaElement): PlainValues {
  if (encoding === PLAIN) return plainValues({ count, values: bytes }, element);
  if (encoding === DELTA) return fixedValues(deltas(bytes, count, element.type), element);
  if (encoding === DELTA_LENGTH) return textValues(lengthTexts(bytes, count), element);
  if (encoding === DELTA_BYTES) return textValues(prefixTexts(bytes, count), element);
  if (encoding !== SPLIT) throw new Error(`unsupported encoding: ${encoding}`);
  const width = widthOf(element);
  const stored = Math.min(count, Math.floor(bytes.length / width));
  return fixedValues(byteStreamSplit(reader(bytes), stored, typeOf(element), width), element);
}

/** Decodes values in PLAIN, the encoding of dictionary pages; returns fewer than stated if there are too few bytes. */
export function plainValues(
  { count, values: bytes }: Pick<DictionaryPage, "count" | "values">,
  element: SchemaElement,
): PlainValues {
  const type = typeOf(element);
  if (type === "BYTE_ARRAY") {
    // each value is preceded by a length of four bytes
    const bounds = new Uint32Array(Math.min(count, bytes.length >> 2) + 1);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let [at, stored] = [0, 0];
    while (stored + 1 < bounds.length && at + 4 <= bytes.length) {
      const next = at + 4 + view.getUint32(at, true);
      if (next > bytes.length) break;
      bounds[++stored] = at = next;
    }
    return textValues({ bytes, bounds: bounds.subarray(0, stored + 1), gap: 4 }, element);
  }
  if (type === "BOOLEAN") {
    const stored = Math.min(count, 8 * bytes.length);
    return { count: stored, kind: "other", values: readPlain(reader(bytes), type, stored, undefined) };
  }
  const width = widthOf(element);
  const stored = Math.min(count, Math.floor(bytes.length / width));
  return fixedValues(readPlain(reader(bytes), type, stored, width), element);
}

export function skipValues(values: PageValues, count: number): void {
  if (values.isCoded) values.runs.skip(count);
  else {
    checkLeft(values, count);
    values.at += count;
  }
}

export function checkLeft({ values, at }: PageValues & { isCoded: false }, count: number): void {
  if (count > values.count - at) throw new Error(`a page ends after ${values.count} of ${at + count} values`);
}

/** Returns a value's text. @throws {RowFault} it has no text @throws {Error} it is not UTF-8 */
export function textAt(values: PlainValues, i: number, element: SchemaElement, column: string): string {
  if (values.kind === "text")
    // the bytes are copied, because the decoder does not accept shared memory
    return decodedText(values.bytes.slice(values.bounds[i]! + values.gap, values.bounds[i + 1]));
  if (values.kind === "integer") return integerText(values, i);
  if (values.kind === "number")
    return values.values.BYTES_PER_ELEMENT === 4
      ? floatText(values.values[i]!)
      : numberText(values.values[i]!);
  if (values.kind === "time") return timeText(values.times[i]!, values.isDay, column);
  return cellText(values.values[i], element, column);
}

/** Returns an integer, which is exact up to 2^53 and rounded above. */
export function integerAt({ words, isWide, unsigned }: PlainValues & { kind: "integer" }, i: number): number {
  if (!isWide) return unsigned ? words[i]! >>> 0 : words[i]!;
  const [low, high] = [words[2 * i]!, words[2 * i + 1]!];
  return (unsigned ? high >>> 0 : high) * 2 ** 32 + (low >>> 0);
}

export function integerText(values: PlainValues & { kind: "integer" }, i: number): string {
  const value = integerAt(values, i);
  if (Number.isSafeInteger(value)) return String(value);
  const high = values.words[2 * i + 1]!;
  return String((BigInt(values.unsigned ? high >>> 0 : high) << 32n) | BigInt(values.words[2 * i]! >>> 0));
}

/** Reads the indices of the next values; the next call may overwrite them. @throws {Error} the page has fewer values */
export function takeIndices({ runs, memory }: PageValues & { isCoded: true }, count: number): Uint32Array {
  const { shared } = memory!;
  const indices = shared.indices(count);
  runs.read(indices, 0, count, shared.unpack);
  return indices;
}

/** Whether a number is an integer whose shortest text is its digits; false for a 32-bit float of 2^24 or more. */
export function isOwnText(value: number, { BYTES_PER_ELEMENT: width }: Float32Array | Float64Array): boolean {
  return Number.isSafeInteger(value) && (width === 8 || Math.abs(value) < 2 ** 24);
}

/** Moves `numValues` consecutive values to the rows that have a value; other rows get the value `missing`. */
export function spread(
  out: Uint32Array | Float64Array,
  at: number,
  numRows: number,
  numValues: number,
  levels: Uint32Array,
  maxDefinition: number,
  missing: number,
): void {
  let value = numValues;
  // the loop runs from the last row to the first, so that no value is overwritten before it is moved to its row
  for (let row = numRows - 1; row >= 0; row--)
    out[at + row] = levels[row] === maxDefinition ? out[at + --value]! : missing;
}

function plain(values: PlainValues): PageValues {
  return { isCoded: false, values, at: 0 };
}

/**
 * Converts values of a fixed number of bytes to the types that hyparquet returns.
 *
 * @param newTimes allocates f64[count]
 */
export function fixedValues(
  values: ArrayLike<unknown>,
  element: SchemaElement,
  newTimes = (length: number): Float64Array => new Float64Array(length),
): PlainValues {
  const count = values.length;
  const { kind, unsigned } = leafKind(element);
  if (kind === "integer" && values instanceof Int32Array)
    return { count, kind, words: values, isWide: false, unsigned };
  if (kind === "integer" && values instanceof BigInt64Array) {
    const words = new Int32Array(values.buffer, values.byteOffset, 2 * count);
    return { count, kind, words, isWide: true, unsigned };
  }
  if (kind === "number" && (values instanceof Float32Array || values instanceof Float64Array))
    return { count, kind, values };
  const unit = timeUnitOf(element);
  if (unit === "DAYS")
    return { count, kind: "time", times: Float64Array.from(values, (day) => Number(day) * DAY), isDay: true };
  if (unit !== undefined && values instanceof BigInt64Array)
    return { count, kind: "time", times: millisecondsOf(values, UNITS[unit], newTimes(count)), isDay: false };
  return { count, kind: "other", values: converted(values, element) };
}

const DAY = 86_400_000;
/** Number of time units per millisecond, by the unit's name in Parquet. */
const UNITS = { MILLIS: 1, MICROS: 1000, NANOS: 1_000_000 };

/** Converts a time to whole milliseconds, rounded towards 1970. @param units number of units per millisecond */
function millisecondsOf(values: BigInt64Array, units: number, times: Float64Array): Float64Array {
  const words = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  for (let i = 0; i < times.length; i++) {
    // computes in floating point, because arithmetic with BigInt takes ten times as long
    const value = words[2 * i + 1]! * 2 ** 32 + (words[2 * i]! >>> 0);
    if (!Number.isSafeInteger(value)) {
      times[i] = Number(values[i]! / BigInt(units));
      continue;
    }
    let time = Math.trunc(value / units);
    // if the division has rounded the quotient up to a whole number, takes one millisecond back
    if (Math.abs(time) * units > Math.abs(value)) time -= Math.sign(value);
    times[i] = time + 0; // adding 0 turns -0 into 0
  }
  return times;
}

interface Texts {
  bytes: Uint8Array;
  bounds: Uint32Array;
  gap: number;
}

function textValues({ bytes, bounds, gap }: Texts, element: SchemaElement): PlainValues {
  const count = bounds.length - 1;
  if (leafKind(element).kind === "text") return { count, kind: "text", bytes, bounds, gap };
  const values = Array.from({ length: count }, (_, i) => bytes.subarray(bounds[i]! + gap, bounds[i + 1]));
  return { count, kind: "other", values: converted(values, element) };
}

/** Decodes integers stored as differences; as many as the bytes state, but not more than the page has. */
function deltas(bytes: Uint8Array, count: number, type: ParquetType | undefined): Int32Array | BigInt64Array {
  const stored = storedCount(bytes, 0, count);
  const values = type === "INT32" ? new Int32Array(stored) : new BigInt64Array(stored);
  if (stored > 0) deltaBinaryUnpack(reader(bytes), stored, values);
  return values;
}

/** Decodes DELTA_LENGTH_BYTE_ARRAY: lengths, then the bytes of all texts. */
function lengthTexts(bytes: Uint8Array, count: number): Texts {
  const lengths = new Int32Array(storedCount(bytes, 0, count));
  const source = reader(bytes);
  if (lengths.length > 0) deltaBinaryUnpack(source, lengths.length, lengths);
  return { ...concatenatedBounds(bytes, source.offset, lengths), gap: 0 };
}

/** Decodes DELTA_BYTE_ARRAY: lengths of the prefixes shared with the previous text, then the suffixes. */
function prefixTexts(bytes: Uint8Array, count: number): Texts {
  const prefixes = new Int32Array(storedCount(bytes, 0, count));
  const lengths = new Int32Array(prefixes.length);
  const source = reader(bytes);
  if (prefixes.length > 0) {
    deltaBinaryUnpack(source, prefixes.length, prefixes);
    if (storedCount(bytes, source.offset, count) !== prefixes.length)
      throw new Error("texts without their lengths");
    deltaBinaryUnpack(source, lengths.length, lengths);
  }
  const suffixes = concatenatedBounds(bytes, source.offset, lengths);
  const bounds = new Uint32Array(prefixes.length + 1);
  for (let i = 0; i < prefixes.length; i++) {
    const before = i === 0 ? 0 : bounds[i]! - bounds[i - 1]!;
    if (!(prefixes[i]! >= 0 && prefixes[i]! <= before))
      throw new Error(`a text shares ${prefixes[i]} bytes with one of ${before}`);
    const end = bounds[i]! + prefixes[i]! + lengths[i]!;
    if (end > MAX_TEXT_BYTES) throw new Error(`texts of a page have more than ${MAX_TEXT_BYTES} bytes`);
    bounds[i + 1] = end;
  }
  const out = new Uint8Array(bounds[prefixes.length]!);
  for (let i = 0; i < prefixes.length; i++) {
    const start = bounds[i]!;
    if (i > 0) out.copyWithin(start, bounds[i - 1]!, bounds[i - 1]! + prefixes[i]!);
    out.set(suffixes.bytes.subarray(suffixes.bounds[i], suffixes.bounds[i + 1]), start + prefixes[i]!);
  }
  return { bytes: out, bounds, gap: 0 };
}

/** Maximum number of bytes of decoded texts; shared prefixes may expand a few bytes to many texts. */
const MAX_TEXT_BYTES = 1 << 28;

/** Converts the lengths of concatenated texts to bounds. @throws {Error} the lengths exceed the number of bytes */
function concatenatedBounds(bytes: Uint8Array, start: number, lengths: Int32Array): Omit<Texts, "gap"> {
  const bounds = new Uint32Array(lengths.length + 1);
  bounds[0] = start;
  let at = start;
  for (let i = 0; i < lengths.length; i++) {
    at += lengths[i]!;
    if (!(lengths[i]! >= 0 && at <= bytes.length)) throw new Error("texts are longer than their page");
    bounds[i + 1] = at;
  }
  return { bytes, bounds };
}

/** Returns the third number in the header of a block of differences. @throws {Error} it exceeds the page's values */
function storedCount(bytes: Uint8Array, start: number, count: number): number {
  let [at, stored] = [start, 0];
  for (let field = 0; field < 3; field++) {
    stored = 0;
    for (let shift = 0; ; shift += 7) {
      if (at >= bytes.length || shift > 28) throw new Error("differences without their head");
      const byte = bytes[at++]!;
      stored += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
  }
  if (stored > count) throw new Error(`${stored} values in a page of ${count}`);
  return stored;
}

function reader(bytes: Uint8Array): { view: DataView; offset: number } {
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
}

function typeOf({ type }: SchemaElement): ParquetType {
  if (type === undefined) throw new Error("a column without a type");
  return type;
}

/** Returns the number of bytes that a value of a type occupies. */
function widthOf(element: SchemaElement): number {
  const type = typeOf(element);
  const width = { INT32: 4, FLOAT: 4, INT64: 8, DOUBLE: 8, INT96: 12 }[type as string] ?? element.type_length;
  if (!(width !== undefined && width > 0)) throw new Error(`values of ${type} without a length`);
  return width;
}
