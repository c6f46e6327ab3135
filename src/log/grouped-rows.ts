// Reads a file or a pipe as it arrives and turns each piece of whole records into a small log in memory. The rows of a
// log are either any rows, or complete groups of consecutive rows with the same key.
//
//   pieces ──► whole records, with the key of each ──► groups ──► a log of all groups that are complete after a piece
//          └─► whole records ──► a log of all rows that a piece completes
//
// A group is complete at a row of another key, an empty line or the end. An empty line also says that the sender waits
// for the results of the rows before it, so these rows are processed at once. Memory is bounded by one piece and one
// group.

import { isUtf8 } from "node:buffer";
import { DataError, sizeText, UsageError } from "../base/errors.js";
import { openSource } from "../base/io/source.js";
import { isHeader } from "./text/header-lines.js";
import { firstBadLine, noRows, notUtf8, readHead, unclosedQuote, type FileHead } from "./text/dialect.js";
import { formOf } from "./form.js";
import { piecesOf, withoutMark } from "./text/input.js";
import { parseJsonRow } from "./text/json-row.js";
import { maxRowBytes, rowTooLarge } from "./limits.js";
import type { HeldRows, ReadOptions } from "./log.js";
import { noSuchColumn } from "./read.js";
import { RowFault } from "./text/record-form.js";
import { countLines, lastCut, recordEnd, startsComment, decodedUtf8, type Dialect } from "./text/records.js";
import { forEachRow } from "./text/text-rows.js";

/** Maximum bytes of one key's rows; a larger group is no user's history, so the column is probably wrong. */
const MOST_BYTES = 16 << 20;
/** Number of bytes of one read. */
const PIECE = 1 << 16;
const [NEWLINE, RETURN, QUOTE] = [0x0a, 0x0d, 0x22];

/** A log of whole rows. If rows are grouped, it contains the complete groups of several distinct keys. */
export interface GroupedRows {
  /** options with which the rows are read as a log */
  reading: Pick<ReadOptions, "format" | "held" | "delimiter">;
  /** keys of the groups in the order of the groups; empty if rows are not grouped */
  keys: string[];
  /** number of records, including malformed ones */
  numRows: number;
  /** true if an empty line follows the rows, by which the sender asks for their results at once */
  isAsked: boolean;
}

/**
 * Reads an input piece by piece without grouping; empty lines have no meaning here.
 *
 * @param path  a file, or `-`
 * @param bytes maximum number of bytes of one read; a pipe returns fewer bytes, so its rows are processed as soon as
 * they are written
 * @throws {UsageError} records of the format are not lines
 * @throws {DataError} as openLog
 */
export function rowBlocks(
  path: string,
  options: ReadOptions,
  bytes: number,
): AsyncGenerator<GroupedRows, void, undefined> {
  return rowsAsTheyCome(path, undefined, options, bytes);
}

/** The rules by which records of a format are split into header, key and row. */
interface Form {
  format: "csv" | "jsonl";
  dialect: Dialect;
  /** bytes that precede the rows of each log (the header), and the number of lines of these bytes */
  head: Uint8Array;
  headLines: number;
  /** Returns a record's key; undefined if reading the record will report why it has none. @param line from 1 */
  keyOf: (record: Uint8Array, line: number) => string | undefined;
  /** Whether a record repeats the header, so it is not a row. */
  isHeader: (record: Uint8Array) => boolean;
  /** names of the members of previous records, for formats that name the columns in each record */
  columns: Set<string>;
}

/**
 * Reads an input group by group.
 *
 * @param path   a file, or `-`
 * @param column the column with the key
 * @throws {UsageError} records of the format are not lines, or there is no such column
 * @throws {DataError} as openLog, or the rows of a key are too many
 */
export function groupedRows(
  path: string,
  column: string,
  options: ReadOptions,
): AsyncGenerator<GroupedRows, void, undefined> {
  return rowsAsTheyCome(path, column, options, PIECE);
}

/** Yields logs of rows as the rows arrive. @param column the column with the key; undefined if rows are not grouped */
async function* rowsAsTheyCome(
  path: string,
  column: string | undefined,
  options: ReadOptions,
  pieceBytes: number,
): AsyncGenerator<GroupedRows, void, undefined> {
  const format = formOf([path], options.format);
  if (format !== "csv" && format !== "jsonl")
    throw new UsageError(`--stream needs CSV or JSON lines, got ${format}: omit --stream`);
  const source = await openSource(path, pieceBytes);
  try {
    const groups = new Groups(path, column, { ...options, format });
    for await (const piece of piecesOf(source, options)) yield* groups.take(piece);
    yield* groups.end();
  } finally {
    await source.close();
  }
}

/** Splits an input that arrives in pieces into groups of rows with the same key; groupedRows yields the groups. */
export class Groups {
  #form: Form | undefined;
  /** bytes of the input that arrived; the first row that was not yielded starts at #from */
  #bytes: Uint8Array = new Uint8Array(0);
  #from = 0;
  /** #at: start of the record whose key is read next; #complete: end of the last complete group */
  #at = 0;
  #complete = 0;
  /** number of lines of the input before the positions #from and #at */
  #linesBefore = 0;
  #lines = 0;
  #keys = new Set<string>();
  #numRows = 0;
  #key = "";
  #rowsOfKey = 0;
  #isEmpty = true;

  constructor(
    readonly path: string,
    readonly column: string | undefined,
    readonly options: ReadOptions,
  ) {}

  *take(piece: Uint8Array, ended = false): Generator<GroupedRows, void, undefined> {
    this.#bytes = Buffer.concat([this.#bytes, piece]);
    if (!this.#form && !this.#start(ended)) return;
    const { dialect, format, keyOf, isHeader } = this.#form!;
    const rest = this.#bytes.subarray(this.#at);
    const { end, openQuote } =
      format === "jsonl" ? { end: rest.lastIndexOf(NEWLINE) + 1, openQuote: -1 } : lastCut(rest, dialect);
    const stop = this.#at + end;
    this.#checkUtf8(stop);
    while (this.#at < stop) {
      const next = this.#recordEnd();
      const record = this.#bytes.subarray(this.#at, next);
      if (this.column === undefined) {
        if (!isEmpty(record) && !startsComment(record, 0, dialect) && !isHeader(record)) {
          keyOf(record, this.#lines + 1);
          this.#numRows++;
          this.#isEmpty = false;
        }
        this.#lines += countLines(record);
        [this.#at, this.#complete] = [next, next];
        continue;
      }
      if (isEmpty(record)) {
        this.#close();
        [this.#at, this.#complete] = [next, next];
        this.#lines++;
        yield this.#batch(true);
        continue;
      }
      if (!startsComment(record, 0, dialect) && !this.#form!.isHeader(record)) {
        const key = keyOf(record, this.#lines + 1) ?? this.#key;
        if (this.#rowsOfKey > 0 && key !== this.#key) this.#close();
        if (this.#keys.has(key)) yield this.#batch(false);
        this.#key = key;
        this.#rowsOfKey++;
        this.#isEmpty = false;
      }
      this.#lines += countLines(record);
      this.#at = next;
    }
    if (this.#numRows > 0) yield this.#batch(false);
    this.#forgetYielded();
    this.#checkSizes(ended ? openQuote : -1);
  }

  *end(): Generator<GroupedRows, void, undefined> {
    const isWhole = this.#bytes.length === 0 || this.#bytes.at(-1) === NEWLINE;
    yield* this.take(isWhole ? new Uint8Array(0) : Uint8Array.of(NEWLINE), true);
    if (this.#isEmpty) throw noRows(this.path);
    this.#close();
    if (this.#numRows > 0) yield this.#batch(false);
  }

  /** Reads the header; returns false while more bytes are needed for it. */
  #start(ended: boolean): boolean {
    const bytes = withoutMark(this.#bytes, ended);
    if (!bytes) return false;
    const { options, path, column } = this;
    if (options.format === "jsonl") {
      this.#form = jsonForm(path, column, options);
      this.#bytes = bytes;
      return true;
    }
    const head = readHead(path, bytes, ended, options);
    if (!head) return false;
    this.#form = csvForm(head, bytes.slice(0, head.bytes), column, options);
    this.#bytes = bytes.subarray(head.bytes);
    this.#linesBefore = this.#lines = head.lines;
    return true;
  }

  /** Returns the end of the current record, which is complete in memory. */
  #recordEnd(): number {
    const { dialect, format } = this.#form!;
    const line = this.#bytes.indexOf(NEWLINE, this.#at) + 1;
    if (format === "jsonl" || startsComment(this.#bytes, this.#at, dialect)) return line;
    const { end } = recordEnd(this.#bytes, this.#at, dialect);
    return end === -1 ? line : end;
  }

  /** Marks the group of the records that were read last as complete. */
  #close(): void {
    if (this.#rowsOfKey === 0) return;
    this.#keys.add(this.#key);
    this.#numRows += this.#rowsOfKey;
    this.#complete = this.#at;
    this.#rowsOfKey = 0;
  }

  #batch(isAsked: boolean): GroupedRows {
    const { format, dialect, head, headLines, columns } = this.#form!;
    const rows = this.#bytes.subarray(this.#from, this.#complete);
    const held: HeldRows = {
      bytes: Buffer.concat([head, rows]),
      linesBefore: this.#linesBefore - headLines,
      columns: [...columns],
    };
    const batch = {
      reading: { format, held, ...(format === "csv" && { delimiter: dialect.written ?? dialect.delimiter }) },
      keys: [...this.#keys],
      numRows: this.#numRows,
      isAsked,
    };
    this.#linesBefore += countLines(rows);
    this.#from = this.#complete;
    this.#keys = new Set();
    this.#numRows = 0;
    return batch;
  }

  #forgetYielded(): void {
    this.#bytes = this.#bytes.slice(this.#from);
    this.#at -= this.#from;
    this.#complete -= this.#from;
    this.#from = 0;
  }

  #checkUtf8(end: number): void {
    const { path, options } = this;
    const bytes = this.#bytes.subarray(this.#at, end);
    if (!isUtf8(bytes)) throw notUtf8(path, this.#lines + 1 + firstBadLine(bytes), options.encoding);
  }

  /** @throws {DataError} a record or a group is too large @param openQuote position of an unclosed quote at the end */
  #checkSizes(openQuote: number): void {
    const { path, options, column } = this;
    const line = this.#lines + 1;
    if (openQuote >= 0) throw unclosedQuote(path, line, options.maxCell);
    const left = this.#bytes.length - this.#at;
    if (left > maxRowBytes(options)) throw rowTooLarge("row", path, line, options);
    if (column !== undefined && this.#at > MOST_BYTES)
      throw new DataError(
        `more than ${sizeText(MOST_BYTES)} of rows have the same '${column}', which --stream must hold in ` +
          "memory: omit --stream, or check that the column is right",
        { file: path, line },
      );
  }
}

function isEmpty(record: Uint8Array): boolean {
  return record[0] === NEWLINE || (record[0] === RETURN && record[1] === NEWLINE);
}

function csvForm(
  { dialect, columns, header: names, lines }: FileHead,
  head: Uint8Array,
  column: string | undefined,
  { header }: ReadOptions,
): Form {
  const index = column === undefined ? -1 : columns.indexOf(column);
  if (column !== undefined && index === -1) throw noSuchColumn(column, columns);
  const cellsOf = (record: Uint8Array): string[] => {
    if (!record.includes(QUOTE))
      return decodedUtf8(record)
        .replace(/\r?\n$/u, "")
        .split(dialect.delimiter);
    let cells: string[] = [];
    forEachRow(record, dialect, (row) => {
      ({ cells } = row);
      return false;
    });
    return cells;
  };
  return {
    ...{ format: "csv" as const, dialect, columns: new Set<string>() },
    ...(header ? { head, headLines: lines } : { head: new Uint8Array(0), headLines: 0 }),
    keyOf: (record) => (column === undefined ? undefined : cellsOf(record)[index]),
    isHeader: (record) => names !== undefined && names.length > 1 && isHeader(cellsOf(record), names),
  };
}

function jsonForm(path: string, column: string | undefined, { maxCell, comment }: ReadOptions): Form {
  const columns = new Set<string>();
  return {
    ...{ format: "jsonl" as const, dialect: { delimiter: ",", comment, maxCell }, columns },
    ...{ head: new Uint8Array(0), headLines: 0, isHeader: () => false },
    keyOf(record, line) {
      let members: ReturnType<typeof parseJsonRow>;
      try {
        members = parseJsonRow(decodedUtf8(record));
      } catch (error) {
        if (error instanceof RowFault) return undefined;
        throw error;
      }
      for (const [name] of members) columns.add(name);
      if (column === undefined) return undefined;
      const member = members.find(([name]) => name === column);
      if (!member)
        throw new DataError(`the object has no '${column}', which --stream groups rows by`, {
          file: path,
          line,
        });
      return typeof member[1] === "string" ? member[1] : undefined;
    },
  };
}
