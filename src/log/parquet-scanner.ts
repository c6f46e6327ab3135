// Rows of a Parquet file → what a chunk scanner makes of bytes: codes and numbers, for merge.ts.
//
// A scanner is handed ranges of rows, in order; the threads take turns on the ranges of a row group, so that a file of one group is
// read in parallel, too. Rows that have no text are found on the way: then the range is read again, as text and row by row.

import { EmbedError } from "../errors.js";
import { readerOf } from "../io/random-access.js";
import type { ChunkScan } from "./chunk-scanner.js";
import { KeyTable } from "./key-table.js";
import { MISSING, noKeys } from "./keys.js";
import type { ColumnRequest } from "./log.js";
import { ColumnCursor, type Cursor, type LeafColumn } from "./parquet-cursor.js";
import { KeyReader, NumberReader } from "./parquet-keys.js";
import { damagedFile } from "./parquet-pages.js";
import { RowFault } from "./record-form.js";
import type { ScanMemory } from "./scanner.js";

/** Rows of one row group; it is sent to threads. */
export interface RowRange {
  path: string;
  /** the file, open for reading, as all threads know it */
  fd: number;
  /** which row group of the log it is */
  group: number;
  /** rows of the group [from, to) */
  from: number;
  to: number;
  /** rows of the group */
  groupRows: number;
  /** one a request: its column, or the cell that all rows have */
  columns: (LeafColumn | string)[];
}

/** What to make of a column. */
export type CellRequest = Omit<ColumnRequest, "name">;

export function cellRequests(requests: readonly ColumnRequest[]): CellRequest[] {
  return requests.map(({ name: _, ...request }) => request);
}

/** What is wrong with a row; lines count from 0 at the range's start. */
export interface FaultyLine {
  line: number;
  reason: string;
  message: string;
  column: string | undefined;
}

/** A range, scanned: the rows without those that are faulty. */
export interface RangeScan {
  scan: ChunkScan;
  faulty: FaultyLine[];
}

/** Scans ranges of rows, for one thread. */
export class ParquetScanner {
  readonly #requests: readonly CellRequest[];
  readonly #tables: (KeyTable | undefined)[];
  #readers: (KeyReader | NumberReader | undefined)[] = [];
  #group = -1;
  #cursors: (Cursor | undefined)[] = [];
  readonly #open: (column: LeafColumn, range: RowRange) => Cursor;

  /** @param open how a column of a range is read, where it is not that of a file */
  constructor(
    requests: readonly CellRequest[],
    memory: ScanMemory,
    open: (column: LeafColumn, range: RowRange) => Cursor = (column, range) =>
      new ColumnCursor(column, readerOf(range)),
  ) {
    this.#open = open;
    this.#requests = requests;
    this.#tables = requests.map(({ as }) => (as === "key" ? new KeyTable(memory) : undefined));
  }

  /**
   * @throws {DataError} the file is damaged
   * @throws {IoError} it cannot be read
   * @throws {UsageError} the keys outgrow the memory
   */
  scan(range: RowRange): RangeScan {
    const sizes = this.#tables.map((table) => table?.size ?? 0);
    let result: RangeScan;
    try {
      result = this.#scanColumns(range);
    } catch (error) {
      if (!(error instanceof RowFault)) throw error;
      // keys of rows that are left out must get no code
      this.#group = -1;
      this.#tables.forEach((table, request) => table?.truncate(sizes[request]!));
      result = this.#scanRows(range);
    }
    result.scan.newKeys = this.#tables.map((table, request) => {
      return table && table.size > sizes[request]! ? table.keysFrom(sizes[request]!) : noKeys();
    });
    return result;
  }

  /** Column by column. @throws {RowFault} a row has no text */
  #scanColumns(range: RowRange): RangeScan {
    const numRows = range.to - range.from;
    const badCells: ChunkScan["badCells"] = [];
    const isBad = (request: number) => (row: number, text: string) =>
      void badCells.push({ row, request, line: row, text });
    this.#moveTo(range);
    const columns = range.columns.map((column, request) => {
      if (typeof column === "string") return this.#constant(request, column, numRows, isBad(request));
      const cursor = this.#cursors[request]!;
      return checked(range, column, () => {
        if (cursor.isList || column.separator !== undefined)
          return this.#cells(request, column, faultless(cursor.texts(numRows)), isBad(request));
        const reader = (this.#readers[request] ??= this.#readerOf(request, column));
        let row = 0;
        if (reader instanceof KeyReader) {
          const codes = new Uint32Array(numRows);
          for (const segment of cursor.segments(numRows)) {
            reader.read(segment, column, codes, row);
            row += segment.numRows;
          }
          return codes;
        }
        const numbers = new Float64Array(numRows);
        for (const segment of cursor.segments(numRows)) {
          for (const bad of reader.read(segment, column, numbers, row)) isBad(request)(bad.row, bad.text);
          row += segment.numRows;
        }
        return numbers;
      });
    });
    this.#checkEnd(range);
    badCells.sort((a, b) => a.row - b.row || a.request - b.request);
    return { scan: scanOf(numRows, numRows, columns, badCells), faulty: [] };
  }

  /** Row by row, and without those that have no text. */
  #scanRows(range: RowRange): RangeScan {
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
    const scan = scanOf(lines.length, numRows, columns, badCells);
    return { scan: { ...scan, rowLines: Uint32Array.from(lines) }, faulty };
  }

  /** Codes or numbers of texts. */
  #cells(
    request: number,
    column: LeafColumn | string,
    texts: readonly string[],
    isBad: (row: number, text: string) => void,
  ): Uint32Array | Float64Array {
    const reader = (this.#readers[request] ??= this.#readerOf(request, column));
    if (reader instanceof KeyReader) return reader.codesOf(texts);
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
  ): Uint32Array | Float64Array {
    if (this.#requests[request]!.as === "number")
      return this.#cells(request, text, repeated(text, numRows), isBad) as Float64Array;
    const code = text === "" ? MISSING : this.#cells(request, text, [text], isBad)[0]!;
    return new Uint32Array(numRows).fill(code);
  }

  #readerOf(request: number, column: LeafColumn | string): KeyReader | NumberReader {
    const name = typeof column === "string" ? "" : column.name;
    const table = this.#tables[request];
    return table
      ? new KeyReader(table, name)
      : new NumberReader(name, this.#requests[request]!.isTime === true);
  }

  /** Moves the cursors to a range's start. */
  #moveTo(range: RowRange): void {
    if (this.#group !== range.group) {
      // what readers know of dictionaries is of the group
      this.#readers = [];
      this.#cursors = range.columns.map((column) =>
        typeof column === "string" ? undefined : this.#open(column, range),
      );
      // only once all are there: an error leaves none to go on with
      this.#group = range.group;
    }
    for (const [request, cursor] of this.#cursors.entries()) {
      if (!cursor || cursor.row === range.from) continue;
      checked(range, range.columns[request] as LeafColumn, () => cursor.skip(range.from - cursor.row));
    }
  }

  #checkEnd(range: RowRange): void {
    if (range.to < range.groupRows) return;
    for (const [request, cursor] of this.#cursors.entries())
      if (cursor) checked(range, range.columns[request] as LeafColumn, () => cursor.checkEnd());
    [this.#group, this.#cursors] = [-1, []];
  }
}

/** What is wrong with bytes is an error of the data. */
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

function scanOf(
  numRows: number,
  numLines: number,
  columns: ChunkScan["columns"],
  badCells: ChunkScan["badCells"],
): ChunkScan {
  return {
    numRows,
    numLines,
    columns,
    newKeys: [],
    badCells,
    fault: undefined,
    faults: { ragged: 0, quote: 0, encoding: 0 },
    numHeaders: 0,
  };
}

/** The same text so many times. */
function repeated(text: string, times: number): string[] {
  return Array.from({ length: times }, () => text);
}
