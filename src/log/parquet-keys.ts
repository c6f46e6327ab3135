// The cells of a Parquet column → codes of a key table, or numbers: a value of a dictionary is made text once, and integers
// and texts go into the table as bytes, without a JavaScript string for each row.

import { isUtf8 } from "node:buffer";
import type { SchemaElement } from "hyparquet";
import { MISSING, type Keys } from "./keys.js";
import type { KeyTable } from "./key-table.js";
import { parseNumber } from "./number.js";
import { parseTime } from "./time.js";
import { checkIndices, type Segment } from "./parquet-cursor.js";

import { checkLeft, integerAt, integerText, textAt, type PlainValues } from "./parquet-values.js";

/** Codes of a dictionary's values that no row had yet. */
const UNSEEN = 0xfffffffe;

/** Reads a column as codes. */
export class KeyReader {
  readonly #table: KeyTable;
  readonly #column: string;
  /** the dictionary that was last read, and the code of each of its values */
  #dictionary: PlainValues | undefined;
  #codes = new Uint32Array(0);
  #indices = new Uint32Array(0);
  readonly #bytes = new TextBytes();

  constructor(table: KeyTable, column: string) {
    this.#table = table;
    this.#column = column;
  }

  /** Forgets codes of dictionaries: the table's were taken back. */
  reset(): void {
    this.#dictionary = undefined;
  }

  /**
   * Writes the codes of a segment's rows to out[at, at + numRows).
   *
   * @throws {RowFault} a value has no text; codes of other values may have been given @throws {Error} the page is damaged
   */
  read(
    { values, numValues, numRows, levels }: Segment,
    { element, maxDefinition }: { element: SchemaElement; maxDefinition: number },
    out: Uint32Array,
    at: number,
  ): void {
    if (values.isCoded) {
      if (this.#indices.length < numValues) this.#indices = new Uint32Array(numValues);
      const indices = this.#indices;
      values.runs.read(indices, 0, numValues);
      this.#readCoded(values.dictionary, indices, numValues, element, out, at);
    } else {
      checkLeft(values, numValues);
      out.set(this.#codesOf(values.values, values.at, numValues, undefined, element), at);
      values.at += numValues;
    }
    if (levels) spread(out, at, numRows, numValues, levels, maxDefinition, MISSING);
  }

  /** Codes of texts, in their order. */
  codesOf(texts: readonly string[]): Uint32Array {
    this.#bytes.clear(texts.length);
    for (const text of texts) this.#bytes.push(text);
    return this.#table.codesOf(this.#bytes.keys());
  }

  #readCoded(
    dictionary: PlainValues,
    indices: Uint32Array,
    numValues: number,
    element: SchemaElement,
    out: Uint32Array,
    at: number,
  ): void {
    checkIndices(indices, numValues, dictionary);
    if (this.#dictionary !== dictionary) {
      this.#dictionary = dictionary;
      this.#codes = new Uint32Array(dictionary.count).fill(UNSEEN);
    }
    const codes = this.#codes;
    // a key gets its code at its first row, not at its place in the dictionary, which may hold values that no row has
    const fresh: number[] = [];
    for (let i = 0; i < numValues; i++) {
      const index = indices[i]!;
      if (codes[index] !== UNSEEN) continue;
      codes[index] = MISSING;
      fresh.push(index);
    }
    if (fresh.length > 0) {
      const own = this.#codesOf(dictionary, 0, fresh.length, fresh, element);
      for (let i = 0; i < fresh.length; i++) codes[fresh[i]!] = own[i]!;
    }
    for (let i = 0; i < numValues; i++) out[at + i] = codes[indices[i]!]!;
  }

  /** @param places of the values; the `count` from `from` on when absent */
  #codesOf(
    values: PlainValues,
    from: number,
    count: number,
    places: readonly number[] | undefined,
    element: SchemaElement,
  ): Uint32Array {
    if (values.kind === "text") return this.#codesOfBytes(values, from, count, places);
    const texts = this.#bytes;
    texts.clear(count);
    for (let i = 0; i < count; i++) {
      const place = places ? places[i]! : from + i;
      if (values.kind === "integer") {
        const value = integerAt(values, place);
        if (Number.isSafeInteger(value)) texts.pushInteger(value);
        else texts.push(integerText(values, place));
      } else if (values.kind === "number" && isOwnText(values.values[place]!, values.values)) {
        texts.pushInteger(values.values[place]!);
      } else texts.push(textAt(values, place, element, this.#column));
    }
    return this.#table.codesOf(texts.keys());
  }

  #codesOfBytes(
    { bytes, bounds, gap }: PlainValues & { kind: "text" },
    from: number,
    count: number,
    places: readonly number[] | undefined,
  ): Uint32Array {
    const known = this.#table.size;
    let codes: Uint32Array;
    if (places) {
      this.#bytes.clear(count);
      for (const place of places) this.#bytes.pushBytes(bytes, bounds[place]! + gap, bounds[place + 1]!);
      codes = this.#table.codesOf(this.#bytes.keys());
    } else {
      const start = bounds[from]!;
      const offsets = new Uint32Array(count + 1);
      for (let i = 0; i <= count; i++) offsets[i] = bounds[from + i]! - start;
      codes = this.#table.codesOf(
        { size: count, bytes: bytes.subarray(start, bounds[from + count]), offsets },
        gap,
      );
    }
    if (this.#table.size > known) checkText(this.#table.keysFrom(known));
    return codes;
  }
}

/** A cell that is no number. */
export interface BadNumber {
  /** as `at` of NumberReader.read counts */
  row: number;
  text: string;
}

/** Reads a column as numbers, those that its text states, or as times in milliseconds. */
export class NumberReader {
  readonly #column: string;
  readonly #isTime: boolean;
  #dictionary: PlainValues | undefined;
  #numbers = new Float64Array(0);
  /** by the dictionary's index: the text of a value that is no number; null: it is one; undefined: not known yet */
  #texts: (string | null | undefined)[] = [];
  #indices = new Uint32Array(0);

  constructor(column: string, isTime: boolean) {
    this.#column = column;
    this.#isTime = isTime;
  }

  /** The number of a cell; NaN where it is empty, undefined where it states none. */
  parse(text: string): number | undefined {
    if (!this.#isTime) return parseNumber(text);
    if (text === "") return NaN;
    const time = parseTime(text);
    return Number.isNaN(time) ? undefined : time;
  }

  /** As KeyReader.read, f64, NaN where there is none. @returns cells that are no number, by row */
  read(
    { values, numValues, numRows, levels }: Segment,
    { element, maxDefinition }: { element: SchemaElement; maxDefinition: number },
    out: Float64Array,
    at: number,
  ): BadNumber[] {
    const bad: BadNumber[] = [];
    if (values.isCoded) {
      if (this.#indices.length < numValues) this.#indices = new Uint32Array(numValues);
      values.runs.read(this.#indices, 0, numValues);
      this.#readCoded(values.dictionary, numValues, element, out, at, bad);
    } else {
      checkLeft(values, numValues);
      this.#readPlain(values.values, values.at, numValues, element, out, at, bad);
      values.at += numValues;
    }
    if (!levels) return bad;
    spread(out, at, numRows, numValues, levels, maxDefinition, NaN);
    if (bad.length === 0) return bad;
    const rows: number[] = [];
    for (let row = 0; row < numRows; row++) if (levels[row] === maxDefinition) rows.push(at + row);
    return bad.map(({ row, text }) => ({ row: rows[row - at]!, text }));
  }

  #readCoded(
    dictionary: PlainValues,
    numValues: number,
    element: SchemaElement,
    out: Float64Array,
    at: number,
    bad: BadNumber[],
  ): void {
    const indices = this.#indices;
    checkIndices(indices, numValues, dictionary);
    if (this.#dictionary !== dictionary) {
      this.#dictionary = dictionary;
      this.#numbers = new Float64Array(dictionary.count);
      this.#texts = Array.from({ length: dictionary.count });
    }
    const [numbers, texts] = [this.#numbers, this.#texts];
    for (let i = 0; i < numValues; i++) {
      const index = indices[i]!;
      let text = texts[index];
      if (text === undefined) {
        const value = this.#valueAt(dictionary, index, element);
        text = texts[index] = typeof value === "string" ? value : null;
        numbers[index] = typeof value === "string" ? NaN : value;
      }
      out[at + i] = numbers[index]!;
      if (text !== null) bad.push({ row: at + i, text });
    }
  }

  #readPlain(
    values: PlainValues,
    from: number,
    count: number,
    element: SchemaElement,
    out: Float64Array,
    at: number,
    bad: BadNumber[],
  ): void {
    for (let i = 0; i < count; i++) {
      const value = this.#valueAt(values, from + i, element);
      out[at + i] = typeof value === "string" ? NaN : value;
      if (typeof value === "string") bad.push({ row: at + i, text: value });
    }
  }

  /** A value as a number, or its text if it is not a number. */
  #valueAt(values: PlainValues, i: number, element: SchemaElement): number | string {
    const own = this.#isTime ? timeAt(values, i) : numberAt(values, i);
    if (own !== undefined) return own;
    const text = textAt(values, i, element, this.#column);
    return this.parse(text) ?? text;
  }
}

/** The number that a value's text states, without the text; undefined where it is not that simple. */
function numberAt(values: PlainValues, i: number): number | undefined {
  if (values.kind === "integer") return integerAt(values, i);
  if (values.kind !== "number") return undefined;
  const value = values.values[i]!;
  const isOwn =
    isOwnText(value, values.values) || (values.values.BYTES_PER_ELEMENT === 8 && !isInfinite(value));
  return isOwn ? value + 0 : undefined;
}

/** The first and the last time that ISO 8601 writes with a year of four digits. */
const [FIRST_TIME, LAST_TIME] = [-62_167_219_200_000, 253_402_300_799_999];

/** The same of times. */
function timeAt(values: PlainValues, i: number): number | undefined {
  if (values.kind !== "time") return undefined;
  const time = values.times[i]!;
  return time >= FIRST_TIME && time <= LAST_TIME ? time : undefined;
}

/** Whether a number is an integer whose shortest text are its digits: not so a 32-bit float of 2^24 or more. */
function isOwnText(value: number, { BYTES_PER_ELEMENT: width }: Float32Array | Float64Array): boolean {
  return Number.isSafeInteger(value) && (width === 8 || Math.abs(value) < 2 ** 24);
}

function isInfinite(value: number): boolean {
  return value === Infinity || value === -Infinity;
}

/** Moves values that stand one after another to the rows that have one. */
function spread(
  out: Uint32Array | Float64Array,
  at: number,
  numRows: number,
  numValues: number,
  levels: Uint32Array,
  maxDefinition: number,
  missing: number,
): void {
  let value = numValues;
  // backwards: a value's row is never before its place
  for (let row = numRows - 1; row >= 0; row--)
    out[at + row] = levels[row] === maxDefinition ? out[at + --value]! : missing;
}

/** @throws {Error} a key is not UTF-8 */
function checkText({ size, bytes, offsets }: Keys): void {
  let isText = isUtf8(bytes);
  // no key starts within a character of the one before
  for (let code = 0; isText && code < size; code++) isText = (bytes[offsets[code]!]! & 0xc0) !== 0x80;
  if (!isText) throw new Error("text that is not UTF-8");
}

/** Texts as bytes, one after another. */
class TextBytes {
  #bytes = new Uint8Array(1 << 12);
  #offsets = new Uint32Array(1 << 8);
  #size = 0;
  #length = 0;

  /** @param size texts to come, at most */
  clear(size: number): void {
    if (this.#offsets.length <= size) this.#offsets = new Uint32Array(size + 1);
    [this.#size, this.#length] = [0, 0];
  }

  push(text: string): void {
    // a character has 3 bytes at most a unit of UTF-16
    this.#reserve(3 * text.length);
    const bytes = this.#bytes;
    let length = this.#length;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) {
        const written = Buffer.from(text, "utf8");
        bytes.set(written, this.#length);
        length = this.#length + written.length;
        break;
      }
      bytes[length++] = unit;
    }
    this.#end(length);
  }

  /** @param value a safe integer */
  pushInteger(value: number): void {
    this.#reserve(17);
    let length = this.#length;
    if (value < 0) {
      this.#bytes[length++] = 0x2d;
      value = -value;
    }
    // 32-bit arithmetic is several times as fast
    const high = value < 1e9 ? 0 : Math.floor(value / 1e9);
    if (high > 0) {
      length = this.#digits(high, length, digitsOf(high));
      length = this.#digits(value - high * 1e9, length, 9);
    } else length = this.#digits(value, length, digitsOf(value));
    this.#end(length);
  }

  pushBytes(source: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    const bytes = this.#bytes;
    let length = this.#length;
    for (let i = start; i < end; i++) bytes[length++] = source[i]!;
    this.#end(length);
  }

  /** The texts, until the next is added. */
  keys(): Keys {
    return {
      size: this.#size,
      bytes: this.#bytes.subarray(0, this.#length),
      offsets: this.#offsets.subarray(0, this.#size + 1),
    };
  }

  /** @param value below 2^31 @returns where its digits end */
  #digits(value: number, at: number, count: number): number {
    const bytes = this.#bytes;
    let rest = value | 0;
    for (let i = at + count - 1; i >= at; i--) {
      const tenth = (rest / 10) | 0;
      bytes[i] = 0x30 + rest - 10 * tenth;
      rest = tenth;
    }
    return at + count;
  }

  #end(length: number): void {
    this.#length = length;
    this.#offsets[++this.#size] = length;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#length + more));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** How many digits a whole number below 10^9 (or a little above) has. */
function digitsOf(value: number): number {
  let digits = 1;
  for (let power = 10; digits < 10 && value >= power; power *= 10) digits++;
  return digits;
}
