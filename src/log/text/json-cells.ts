// Rewrites lines of JSON as delimited text, which the scanner reads like CSV.
//
//   {"user": {"id": "u1"}, "ts": 17}      u1 US 17 US \n      US: the delimiter, 0x1f, which no JSON string contains
//
// Most lines of a log have the same members in the same order. Such a line is matched against templates, the bytes
// between the values of an earlier line, and its values are copied; json-lines.ts parses the others, and the templates
// come from these. Both give the same cells.

import { decodedUtf8 } from "./records.js";
import { jsonLines } from "./json-lines.js";
import type { ReadOptions } from "../log.js";
import { columnIndex, RowFault, type RecordForm, type Schema } from "./record-form.js";

export const JSON_DELIMITER = "\x1f";
const [DELIMITER, NEWLINE, RETURN, QUOTE] = [0x1f, 0x0a, 0x0d, 0x22] as const;
/** Maximum number of templates; a log with more sorts of lines is parsed line by line. */
const MOST_TEMPLATES = 16;

/** Settings of the rewriting, which are sent to threads. */
export interface JsonSetup {
  schema: Schema;
  /** the columns whose cells are written, in order; an empty cell ends the row */
  columns: readonly string[];
  options: Pick<ReadOptions, "multi" | "ignore" | "comment">;
}

export interface JsonFault {
  line: number;
  reason: string;
  message: string;
  column: string | undefined;
  text: string;
}

/** Lines as delimited text: one line for each line of JSON, blank if the line is no row. */
export interface JsonText {
  bytes: Uint8Array;
  numLines: number;
  /** the line of JSON of each line of text, if a cell has a line end */
  lines: number[] | undefined;
  /** runs of rows with a quoted cell: alternating starts and ends */
  quoted: number[];
  faults: JsonFault[];
  /** members that are not columns, with the number of rows that have them, in order of appearance */
  later: Map<string, number>;
}

/** The bytes before each value and after the last one, and the place of each value among the written columns. */
interface Template {
  literals: Uint8Array[];
  /** place of the cell; -1 for a column that is not written; a name if the member is not a column */
  places: (number | string)[];
}

export class JsonCells {
  readonly #form: RecordForm<string>;
  readonly #templates: Template[] = [];
  /** place of each column of the schema among the written ones; -1 if it is not written */
  readonly #places: readonly number[];
  #out = new Uint8Array(1 << 16);
  #length = 0;
  #quoted: number[] = [];
  #lines: number[] | undefined;
  /** start and end of the cell at each place; a negative start -1 - i stands for the text #texts[i] */
  readonly #from: Int32Array;
  readonly #to: Int32Array;
  #texts: string[] = [];

  constructor(private readonly setup: JsonSetup) {
    this.#form = jsonLines({ ...setup.options } as ReadOptions, 0);
    this.#form.want!(new Set(setup.columns));
    this.#places = setup.schema.columns.map((name) => setup.columns.indexOf(name));
    this.#from = new Int32Array(setup.columns.length);
    this.#to = new Int32Array(setup.columns.length);
  }

  /** @param bytes u8: valid UTF-8 of whole lines; the last one may lack its line end @returns views until the next call */
  textOf(bytes: Uint8Array): JsonText {
    const faults: JsonFault[] = [];
    const later = new Map<string, number>();
    this.#begin();
    let line = 0;
    for (let start = 0; start < bytes.length; line++) {
      const newline = bytes.indexOf(NEWLINE, start);
      const next = newline === -1 ? bytes.length : newline + 1;
      let end = newline === -1 ? bytes.length : newline;
      if (end > start && bytes[end - 1] === RETURN) end--;
      this.#reserve(2 * (end - start) + 32 * this.setup.columns.length + 64);
      const found = this.#matching(bytes, start, end, later);
      if (found) {
        this.#writeMatched(bytes);
        this.#lines?.push(line);
      } else this.#writeParsed(bytes.subarray(start, end), line, faults, later);
      start = next;
    }
    const text = { bytes: this.#out.subarray(0, this.#length), numLines: line, lines: this.#lines };
    return { ...text, quoted: this.#quoted, faults, later };
  }

  #begin(): void {
    [this.#length, this.#quoted, this.#lines] = [0, [], undefined];
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#out.length) return;
    const larger = new Uint8Array(2 * (this.#length + bytes));
    larger.set(this.#out.subarray(0, this.#length));
    this.#out = larger;
  }

  /** Whether a template matches; then #from and #to have the cells. The last template that matched is tried first. */
  #matching(bytes: Uint8Array, start: number, end: number, later: Map<string, number>): boolean {
    for (const [t, template] of this.#templates.entries()) {
      if (!this.#matches(bytes, start, end, template)) continue;
      if (t > 0) [this.#templates[0], this.#templates[t]] = [template, this.#templates[0]!];
      for (const name of this.#others) later.set(name, (later.get(name) ?? 0) + 1);
      return true;
    }
    return false;
  }

  /** Members of the matched line that are not columns and have a value. */
  #others: string[] = [];

  #matches(bytes: Uint8Array, start: number, end: number, { literals, places }: Template): boolean {
    this.#texts.length = 0;
    this.#others.length = 0;
    this.#from.fill(0);
    this.#to.fill(0);
    let at = start;
    for (let i = 0; i < places.length; i++) {
      const literal = literals[i]!;
      for (let b = 0; b < literal.length; b++) if (bytes[at + b] !== literal[b]) return false;
      at += literal.length;
      const value = valueAt(bytes, at, end);
      if (value === -1) return false;
      const place = places[i]!;
      if (place !== -1) this.#take(bytes, at, value, place);
      at = value;
    }
    const last = literals.at(-1)!;
    if (end - at !== last.length) return false;
    for (let b = 0; b < last.length; b++) if (bytes[at + b] !== last[b]) return false;
    return true;
  }

  /** Notes the cell of a value: the text of a string, a number as JavaScript prints it, nothing for null. */
  #take(bytes: Uint8Array, from: number, to: number, place: number | string): void {
    const first = bytes[from]!;
    let [start, end] = first === QUOTE ? [from + 1, to - 1] : [from, first === 0x6e ? from : to];
    if (typeof place === "string") {
      if (end > start) this.#others.push(place);
      return;
    }
    if ((first === 0x2d || (first >= 0x30 && first <= 0x39)) && !isPrinted(bytes, from, to)) {
      const text = latin1(bytes, from, to);
      [start, end] = [-1 - this.#texts.length, 0];
      this.#texts.push(text === "-0" ? "0" : String(Number(text)));
    }
    this.#from[place] = start;
    this.#to[place] = end;
  }

  #writeMatched(bytes: Uint8Array): void {
    let length = this.#length;
    const out = this.#out;
    for (let place = 0; place < this.#from.length; place++) {
      const from = this.#from[place]!;
      if (from < 0) {
        const text = this.#texts[-1 - from]!;
        for (let i = 0; i < text.length; i++) out[length++] = text.charCodeAt(i);
      } else for (let at = from, to = this.#to[place]!; at < to; at++) out[length++] = bytes[at]!;
      out[length++] = DELIMITER;
    }
    out[length++] = NEWLINE;
    this.#length = length;
  }

  #writeParsed(bytes: Uint8Array, line: number, faults: JsonFault[], later: Map<string, number>): void {
    const { schema, columns, options } = this.setup;
    const text = decodedUtf8(bytes);
    let row = "";
    const begin = this.#length;
    if (text.trim() !== "" && !(options.comment !== undefined && text.startsWith(options.comment))) {
      try {
        const cells = this.#form.cellsOf(text, schema);
        const own = columns.map((name) => quotedCell(cells[columnIndex(schema, name)] ?? ""));
        row = own.map((cell) => cell + JSON_DELIMITER).join("");
        if (own.some((cell) => cell.startsWith('"'))) this.#quoted.push(begin, -1);
        this.#learn(bytes);
      } catch (error) {
        if (!(error instanceof RowFault)) throw error;
        const { reason, message, column } = error;
        faults.push({ line, reason, message, column, text });
      }
      for (const [name, rows] of this.#form.takeLater!()) later.set(name, (later.get(name) ?? 0) + rows);
    }
    const numLines = row.split("\n").length;
    if (numLines > 1) this.#lines ??= Array.from({ length: line }, (_, i) => i);
    for (let i = 0; i < numLines; i++) this.#lines?.push(line);
    const written = Buffer.from(`${row}\n`);
    this.#reserve(written.length);
    this.#out.set(written, begin);
    this.#length = begin + written.length;
    if (this.#quoted.at(-1) === -1) this.#quoted[this.#quoted.length - 1] = this.#length;
  }

  /** Makes a template of a line that was parsed without a fault; lists and escapes have none. */
  #learn(bytes: Uint8Array): void {
    if (this.#templates.length >= MOST_TEMPLATES) return;
    const { schema, options } = this.setup;
    const ignored = options.ignore ?? [];
    const template: Template = { literals: [], places: [] };
    const path: string[] = [];
    let [key, from, at] = ["", 0, 0];
    while (at < bytes.length) {
      const byte = bytes[at]!;
      if (byte === QUOTE) {
        const end = valueAt(bytes, at, bytes.length);
        if (end === -1) return;
        key = decodedUtf8(bytes.subarray(at + 1, end - 1));
        at = end;
      } else if (byte === 0x3a) {
        do at++;
        while (isSpace(bytes[at]!));
        if (bytes[at] === 0x7b) path.push(key);
        else {
          const end = valueAt(bytes, at, bytes.length);
          if (end === -1) return;
          const name = [...path, key].join(".");
          const column = columnIndex(schema, name);
          const isLater = column === -1 && !ignored.some((one) => name === one || name.startsWith(`${one}.`));
          template.literals.push(bytes.slice(from, at));
          template.places.push(isLater ? name : (this.#places[column] ?? -1));
          [from, at] = [end, end];
        }
      } else {
        if (byte === 0x7d) path.pop();
        at++;
      }
    }
    template.literals.push(bytes.slice(from));
    this.#templates.push(template);
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}

/** A cell that would be misread as it is, in quotes. */
function quotedCell(cell: string): string {
  // oxlint-disable-next-line eslint/no-control-regex -- the delimiter
  return cell.startsWith('"') || /[\x1f\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** Returns the end of a string without escapes, a number, true, false or null at a position; -1 if there is none. */
function valueAt(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  if (first === QUOTE) {
    for (let i = at + 1; i < end; i++) {
      const byte = bytes[i]!;
      if (byte === QUOTE) return i + 1;
      if (byte < 0x20 || byte === 0x5c) return -1;
    }
    return -1;
  }
  if (first === 0x2d || (first >= 0x30 && first <= 0x39)) return numberEnd(bytes, at, end);
  const word = first === 0x74 ? "true" : first === 0x66 ? "false" : first === 0x6e ? "null" : "";
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word.charCodeAt(i)) return -1;
  return word === "" ? -1 : at + word.length;
}

/** Returns the end of a number as JSON writes it; -1 if it has an exponent, which the parser checks for its size. */
function numberEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  const digits = () => {
    const from = at;
    while (at < end && bytes[at]! >= 0x30 && bytes[at]! <= 0x39) at++;
    return at - from;
  };
  if (bytes[at] === 0x2d) at++;
  const isZero = bytes[at] === 0x30;
  const whole = digits();
  if (whole === 0 || (isZero && whole > 1)) return -1;
  if (at < end && bytes[at] === 0x2e) {
    at++;
    if (digits() === 0 || whole > 300) return -1;
  }
  return at < end && (bytes[at] === 0x65 || bytes[at] === 0x45) ? -1 : at;
}

/** Whether JavaScript prints a number as it is written: an integer, or at most 15 digits without needless zeros. */
function isPrinted(bytes: Uint8Array, from: number, to: number): boolean {
  let isWhole = true;
  for (let at = from; at < to; at++) if (bytes[at] === 0x2e) isWhole = false;
  const digits = bytes[from] === 0x2d ? from + 1 : from;
  if (isWhole) return !(digits > from && to - digits === 1 && bytes[digits] === 0x30);
  // numbers below 0.01 are left out, because small ones have an exponent, and zero a sign
  if (bytes[digits] === 0x30 && bytes[digits + 2] === 0x30) return false;
  return to - digits <= 16 && bytes[to - 1] !== 0x30;
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1");
}
