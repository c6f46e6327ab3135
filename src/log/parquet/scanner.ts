// Converts rows of a Parquet file to keys and numbers; the calling thread assigns codes to the keys (codes.ts).
//
// A scanner receives ranges of rows in order. The threads share the ranges of a row group, so a file with a single
// group is also read in parallel. If a value of a row cannot be converted to text, the range is read again row by row,
// as text.

import { EmbedError } from "../../base/errors.js";
import { readerOf } from "../../base/io/random-access.js";
import type { ChunkScan } from "../text/chunk-scanner.js";
import type { ColumnRequest } from "../log.js";
import { NullTexts } from "../nulls.js";
import { BatchCursor, type BatchColumn } from "./batch-cursor.js";
import { ColumnCursor, type Cursor, type LeafColumn } from "./cursor.js";
import { KeyReader, type KeyCells, type KeyKnowledge, type KeyPart } from "./keys.js";
import { NumberReader } from "./numbers.js";
import { PageMemory, type PageRegion, RangeBuffers } from "./memory.js";
import { damagedFile } from "./pages.js";
import { RowFault } from "../text/record-form.js";
import type { ScanMemory } from "../scanner.js";

/** A range of rows of one row group; it is sent to threads. */
export interface ParquetRowRange {
  path: string;
  /** descriptor of the open file; it is valid on all threads */
  fd: number;
  /** ordinal number of the row group, or of the batch, in the log */
  group: number;
  /** the range is rows [from, to) of the row group */
  from: number;
  to: number;
  groupRows: number;
  /** for each requested column: the column of the file, or the cell that all rows have */
  columns: (LeafColumn | string)[];
  /** columns by name, if the rows are in memory and not in a file; the range then consists of the whole group */
  batch?: ReadonlyMap<string, BatchColumn>;
}

/** Maximum bytes of a range's texts, far above the usual size; guards against damaged files with wrong sizes. */
const MAX_TEXT_BYTES = 1 << 30;

export type CellRequest = Omit<ColumnRequest, "name">;

export function cellRequests(requests: readonly ColumnRequest[]): CellRequest[] {
  return requests.map(({ name: _, ...request }) => request);
}

/** A faulty row; its line is counted from 0 at the start of the range. */
export interface FaultyLine {
  line: number;
  reason: string;
  message: string;
  column: string | undefined;
}

/** A scanned range without its faulty rows. Threads send it to each other. */
export interface RangeScan {
  group: number;
  numRows: number;
  /** number of rows, including faulty ones */
  numLines: number;
  /** u32[numRows]: the line of each row; absent when row r is on line r */
  rowLines?: Uint32Array;
  /** for each requested column: the keys, or the numbers f64[numRows] */
  columns: (KeyCells | Float64Array)[];
  /** bad numbers, ordered by row, then by requested column */
  badCells: ChunkScan["badCells"];
  faulty: FaultyLine[];
}

/** The buffers of a scan: those that the batch takes ownership of, and those that are not needed after merging. */
export function buffersOfRange({ columns }: RangeScan): { batch: ArrayBuffer[]; spent: ArrayBuffer[] } {
  const batch = columns.map((column) => (isNumbers(column) ? column : column.cells).buffer);
  const spent = columns.flatMap((column) =>
    isNumbers(column) ? [] : column.parts.flatMap(({ keys }) => [keys.bytes.buffer, keys.offsets.buffer]),
  );
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- scanners make no shared arrays
  return { batch, spent } as { batch: ArrayBuffer[]; spent: ArrayBuffer[] };
}

/** Whether a column holds numbers. Does not use instanceof, which is false for arrays of another realm. */
export function isNumbers(column: KeyCells | Float64Array): column is Float64Array {
  return "BYTES_PER_ELEMENT" in column;
}

/** Function that returns, for a requested column, how a thread looks up the codes of keys that occurred before. */
export type KnownKeys = (request: number) => Omit<KeyKnowledge, "nullTexts">;

/** Scans ranges of rows for one thread. */
export class ParquetScanner {
  /** pool from which the scanner takes its arrays, and to which they are returned */
  readonly buffers = new RangeBuffers();
  readonly #requests: readonly CellRequest[];
  readonly #regions: readonly PageRegion[];
  readonly #nullTexts: NullTexts;
  readonly #knowledge: KnownKeys;
  #readers: (KeyReader | NumberReader | undefined)[] = [];
  #group = -1;
  #cursors: (Cursor | undefined)[] = [];

  constructor(
    requests: readonly CellRequest[],
    memory: ScanMemory,
    nulls: readonly string[] | undefined,
    knowledge: KnownKeys = () => ({}),
  ) {
    const pages = new PageMemory(memory);
    this.#requests = requests;
    this.#nullTexts = new NullTexts(nulls);
    this.#knowledge = knowledge;
    this.#regions = requests.map(() => pages.column());
  }

  /**
   * @throws {DataError} the file is damaged
   * @throws {IoError} the file cannot be read
   * @throws {UsageError} a page outgrows the memory
   */
  scan(range: ParquetRowRange): RangeScan {
    try {
      return this.#scanColumns(range);
    } catch (error) {
      if (!(error instanceof RowFault)) throw error;
      this.#group = -1;
      return this.#scanRows(range);
    }
  }

  /** Scans a range column by column. @throws {RowFault} a value has no text */
  #scanColumns(range: ParquetRowRange): RangeScan {
    const numRows = range.to - range.from;
    const badCells: ChunkScan["badCells"] = [];
    const isBad = (request: number) => (row: number, text: string) =>
      void badCells.push({ row, request, line: row, text });
    this.#moveTo(range);
    let numBytes = 0;
    const columns = range.columns.map((column, request) => {
      if (typeof column === "string") return this.#constant(request, column, numRows, isBad(request));
      const cursor = this.#cursors[request]!;
      return checked(range, column, () => {
        if (cursor.isList || column.separator !== undefined)
          return this.#cells(request, column, faultless(cursor.texts(numRows)), isBad(request));
        const reader = (this.#readers[request] ??= this.#readerOf(request, column));
        let row = 0;
        if (reader instanceof KeyReader) {
          const cells = this.buffers.u32(numRows);
          const parts: KeyPart[] = [];
          for (const segment of cursor.segments(numRows)) {
            const part = reader.read(segment, column, cells, row);
            parts.push(part);
            row += segment.numRows;
            numBytes += part.keys.bytes.length;
            if (numBytes > MAX_TEXT_BYTES)
              throw new Error(
                `rows ${range.from} to ${range.to} of a row group have more text than is read at once`,
              );
          }
          return { cells, parts };
        }
        const numbers = this.buffers.f64(numRows);
        for (const segment of cursor.segments(numRows)) {
          for (const bad of reader.read(segment, column, numbers, row)) isBad(request)(bad.row, bad.text);
          row += segment.numRows;
        }
        return numbers;
      });
    });
    this.#checkEnd(range);
    badCells.sort((a, b) => a.row - b.row || a.request - b.request);
    return { group: range.group, numRows, numLines: numRows, columns, badCells, faulty: [] };
  }

  /** Scans a range row by row, and skips rows with a value that has no text. */
  #scanRows(range: ParquetRowRange): RangeScan {
    const numRows = range.to - range.from;
    this.#moveTo(range);
    const cells = range.columns.map((column, request) => {
      if (typeof column === "string") return repeated(column, numRows);
      const cursor = this.#cursors[request]!;
      return checked(range, column, () => cursor.texts(numRows));
    });
    this.#checkEnd(range);
    const faulty: FaultyLine[] = [];
    const lines: number[] = [];
    for (let line = 0; line < numRows; line++) {
      const fault = cells.map((column) => column[line]).find((cell) => cell instanceof RowFault);
      if (!fault) lines.push(line);
      else faulty.push({ line, reason: fault.reason, message: fault.message, column: fault.column });
    }
    const badCells: ChunkScan["badCells"] = [];
    const columns = cells.map((column, request) => {
      const texts = faultless(lines.map((line) => column[line]!));
      return this.#cells(request, range.columns[request]!, texts, (row, text) => {
        badCells.push({ row, request, line: lines[row]!, text });
      });
    });
    badCells.sort((a, b) => a.row - b.row || a.request - b.request);
    const rowLines = Uint32Array.from(lines);
    const { group } = range;
    return { group, numRows: lines.length, numLines: numRows, rowLines, columns, badCells, faulty };
  }

  #cells(
    request: number,
    column: LeafColumn | string,
    texts: readonly string[],
    isBad: (row: number, text: string) => void,
  ): KeyCells | Float64Array {
    const reader = (this.#readers[request] ??= this.#readerOf(request, column));
    if (reader instanceof KeyReader) return reader.cellsOf(texts);
    return Float64Array.from(texts, (text, row) => {
      const value = reader.parse(text);
      if (value === undefined) isBad(row, text);
      return value ?? NaN;
    });
  }

  #constant(
    request: number,
    text: string,
    numRows: number,
    isBad: (row: number, text: string) => void,
  ): KeyCells | Float64Array {
    const reader = (this.#readers[request] ??= this.#readerOf(request, text));
    if (!(reader instanceof KeyReader)) return this.#cells(request, text, repeated(text, numRows), isBad);
    return reader.repeated(text, numRows);
  }

  #readerOf(request: number, column: LeafColumn | string): KeyReader | NumberReader {
    const name = typeof column === "string" ? "" : column.name;
    const { as, isTime = false } = this.#requests[request]!;
    const region = this.#regions[request]!;
    if (as === "number") return new NumberReader(name, region, isTime);
    const known = { nullTexts: this.#nullTexts, ...this.#knowledge(request) };
    return new KeyReader(name, region, this.buffers, known);
  }

  /** Advances the cursors, which read the pages of the columns, to the start of a range of rows. */
  #moveTo(range: ParquetRowRange): void {
    if (this.#group !== range.group) {
      // readers of columns are created again for each row group of a file, because they have a table with the codes of
      // the row group's dictionary; batches of rows in memory have no dictionaries
      if (!range.batch) this.#readers = [];
      this.#cursors = range.columns.map((column, request) =>
        typeof column === "string" ? undefined : this.#open(column, range, request),
      );
      // #group is set last, so that an error while the cursors are opened does not leave a group whose cursors are
      // missing
      this.#group = range.group;
    }
    for (const [request, cursor] of this.#cursors.entries()) {
      if (!cursor || cursor.row === range.from) continue;
      checked(range, range.columns[request] as LeafColumn, () => cursor.skip(range.from - cursor.row));
    }
  }

  #open(column: LeafColumn, range: ParquetRowRange, request: number): Cursor {
    if (range.batch) return new BatchCursor(column, range.batch.get(column.name)!);
    return new ColumnCursor(column, readerOf(range), this.#regions[request]);
  }

  #checkEnd(range: ParquetRowRange): void {
    if (range.to < range.groupRows) return;
    for (const [request, cursor] of this.#cursors.entries())
      if (cursor) checked(range, range.columns[request] as LeafColumn, () => cursor.checkEnd());
    [this.#group, this.#cursors] = [-1, []];
  }
}

/** Converts errors about invalid bytes into data errors. */
export function checked<T>({ path }: { path: string }, { name }: { name: string }, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof EmbedError || error instanceof RowFault) throw error;
    throw damagedFile(error, { file: path, column: name });
  }
}

function faultless(cells: readonly (string | RowFault)[]): string[] {
  return cells.map((cell) => {
    if (cell instanceof RowFault) throw cell;
    return cell;
  });
}

function repeated(text: string, times: number): string[] {
  return Array.from({ length: times }, () => text);
}
