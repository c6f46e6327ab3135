// Converts the cells of a Parquet column to the numbers that their text states, or to times; each value of a dictionary
// is converted once.

import type { SchemaElement } from "hyparquet";
import { parseNumber } from "../number.js";
import { parseTime } from "../time.js";
import type { Segment } from "./cursor.js";
import type { PageRegion } from "./memory.js";
import { checkLeft, integerAt, isOwnText, spread, takeIndices, textAt, type PlainValues } from "./values.js";

export interface BadNumber {
  /** number of the cell's row, counted from the argument `at` of NumberReader.read */
  row: number;
  text: string;
}

/** Reads a column as the numbers that the text of its cells states, or as times in milliseconds. */
export class NumberReader {
  readonly #column: string;
  readonly #region: PageRegion;
  readonly #isTime: boolean;
  #dictionary: PlainValues | undefined;
  /** numbers by index in the dictionary; each is set when the first row with the value is read */
  #numbers = new Float64Array(0);
  /** texts of the dictionary values that are not numbers, by index */
  #texts = new Map<number, string>();

  constructor(column: string, region: PageRegion, isTime: boolean) {
    this.#column = column;
    this.#region = region;
    this.#isTime = isTime;
  }

  /** Parses the text of a cell as a number or a time; NaN if it is empty, undefined if it is neither. */
  parse(text: string): number | undefined {
    if (!this.#isTime) return parseNumber(text);
    if (text === "") return NaN;
    const time = parseTime(text);
    return Number.isNaN(time) ? undefined : time;
  }

  /** Writes the rows' cells as f64, NaN if without a number. @returns the cells that are not numbers, by row */
  read(
    { values, numValues, numRows, levels }: Segment,
    { element, maxDefinition }: { element: SchemaElement; maxDefinition: number },
    out: Float64Array,
    at: number,
  ): BadNumber[] {
    const bad: BadNumber[] = [];
    if (values.isCoded) {
      this.#readCoded(values.dictionary, takeIndices(values, numValues), element, out, at, bad);
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
    indices: Uint32Array,
    element: SchemaElement,
    out: Float64Array,
    at: number,
    bad: BadNumber[],
  ): void {
    if (this.#dictionary !== dictionary) {
      this.#dictionary = dictionary;
      this.#region.startDictionary(dictionary.count);
      this.#numbers = new Float64Array(dictionary.count);
      this.#texts = new Map();
    }
    const [numbers, texts] = [this.#numbers, this.#texts];
    for (const index of this.#region.meet(indices)) {
      const value = this.#valueAt(dictionary, index, element);
      numbers[index] = typeof value === "string" ? NaN : value;
      if (typeof value === "string") texts.set(index, value);
    }
    for (let i = 0; i < indices.length; i++) out[at + i] = numbers[indices[i]!]!;
    if (texts.size === 0) return;
    for (let i = 0; i < indices.length; i++) {
      const text = texts.get(indices[i]!);
      if (text !== undefined) bad.push({ row: at + i, text });
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
    const times =
      this.#isTime && values.kind === "time" ? values.times.subarray(from, from + count) : undefined;
    if (times) out.set(times, at);
    for (let i = 0; i < count; i++) {
      if (times && isTimeText(out[at + i]!)) continue;
      const value = this.#valueAt(values, from + i, element);
      out[at + i] = typeof value === "string" ? NaN : value;
      if (typeof value === "string") bad.push({ row: at + i, text: value });
    }
  }

  /** Returns a value as a number, or its text if it is not a number. */
  #valueAt(values: PlainValues, i: number, element: SchemaElement): number | string {
    const own = this.#isTime ? timeAt(values, i) : numberAt(values, i);
    if (own !== undefined) return own;
    const text = textAt(values, i, element, this.#column);
    return this.parse(text) ?? text;
  }
}

/** Returns the number that a value's text would state, without creating it; undefined if the text is needed. */
function numberAt(values: PlainValues, i: number): number | undefined {
  if (values.kind === "integer") return integerAt(values, i);
  if (values.kind !== "number") return undefined;
  const value = values.values[i]!;
  const isOwn =
    isOwnText(value, values.values) || (values.values.BYTES_PER_ELEMENT === 8 && !isInfinite(value));
  return isOwn ? value + 0 : undefined;
}

/** The earliest and the latest time that ISO 8601 writes with a year of four digits. */
const [FIRST_TIME, LAST_TIME] = [-62_167_219_200_000, 253_402_300_799_999];

/** Returns a time in ms since 1970; undefined if its text is needed, as its year does not have four digits. */
function timeAt(values: PlainValues, i: number): number | undefined {
  if (values.kind !== "time") return undefined;
  const time = values.times[i]!;
  return isTimeText(time) ? time : undefined;
}

/** Whether ISO 8601 writes a time with a year of four digits. */
function isTimeText(time: number): boolean {
  return time >= FIRST_TIME && time <= LAST_TIME;
}

function isInfinite(value: number): boolean {
  return value === Infinity || value === -Infinity;
}
