// Converts one chunk to codes and numbers. A scanner belongs to one thread and assigns its own codes; merge.ts maps
// them to the codes of the log.
//
// Records without a quoted cell are processed by the kernel, one range of whole lines at a time: it finds the cells
// (indexRows), then interns or parses each requested column. papaparse parses the other records.

import { encodeKeys, MISSING, noKeys, type Keys } from "../keys.js";
import { isUtf8 } from "node:buffer";
import { firstBadLine, rowExcerpt } from "./dialect.js";
import { isHeader, isReordered, linesLike, reorderedLine, type ReorderedLine } from "./header-lines.js";
import type { ScanLayout } from "../file-columns.js";
import { JsonCells, type JsonSetup, type JsonText } from "./json-cells.js";
import { KeyTable } from "../key-table.js";
import { numberParser, parseNumber, type NumberForm, type NumberParser } from "../number.js";
import { decodedUtf8, type Dialect } from "./records.js";
import { UNKNOWN } from "../../compute/kernels/scan/layout.js";
import type { ScanRegion, ScanMemory } from "../scanner.js";
import { forEachRow } from "./text-rows.js";

/** Number of bytes per call of the kernel, so that WebAssembly code is optimized soon, and bounds fit in the cache. */
const RANGE_BYTES = 1 << 16;

/** Maximum number of keys per column that are cached as text. Only keys of records with quoted cells are. */
const MAX_CACHED = 1 << 16;

/** The settings of a scanner, which are the same on all threads. */
export interface ScanSetup {
  dialect: Dialect;
  /** the requested columns; the layout of a chunk states their positions in the file */
  requests: { as: "key" | "number" }[];
  /** number format; decimal point and no thousands separators when absent */
  numbers?: NumberForm;
  /** true if the text of bad rows is kept */
  keepBadRows?: boolean;
  /** if chunks are lines of JSON: how they become delimited text */
  json?: JsonSetup;
}

export type FaultReason = "ragged" | "quote" | "encoding";

/** A scanned chunk. Its lines are counted from 0 at the start of the chunk. */
export interface ChunkScan {
  numRows: number;
  /** number of physical lines of the chunk */
  numLines: number;
  /** u32[numRows]: the line of each row; absent when row r is on line r */
  rowLines?: Uint32Array;
  /** each requested column: u32 codes of this scanner or MISSING, or f64; views, valid until its next call */
  columns: (Uint32Array | Float64Array)[];
  /** for each requested column: keys that are new in this chunk, in the order of their codes; empty for numbers */
  newKeys: Keys[];
  /** bad numbers, ordered by row, then by requested column */
  badCells: { row: number; request: number; line: number; text: string }[];
  /** the first bad row; if its number of cells is wrong, that number and the expected one */
  fault:
    | { reason: FaultReason; line: number; numCells: number; numColumns: number; text: string }
    | undefined;
  /** all bad rows ordered by line, if the settings keep bad rows */
  faultyRows?: { reason: FaultReason; line: number; text: string }[];
  faults: Record<FaultReason, number>;
  /** number of lines that repeat the file's header; they are not rows */
  numHeaders: number;
  /** bad rows of JSON by line, and members that are not columns */
  json?: Pick<JsonText, "faults" | "later">;
  /** a line with the names of the header in another order: the first one without quoted cells, if there is any */
  reordered?: ReorderedLine;
}

interface Regions {
  input: ScanRegion;
  bounds: ScanRegion;
  lines: ScanRegion;
  rest: ScanRegion;
  outputs: ScanRegion[];
}

export class ChunkScanner {
  readonly #setup: ScanSetup;
  readonly #json: JsonCells | undefined;
  readonly #memory: ScanMemory;
  readonly #tables: (KeyTable | undefined)[];
  /** cached codes of the keys in quoted records, by text */
  readonly #cache: Map<string, number>[];
  readonly #report: ScanRegion;
  readonly #parseNumber: NumberParser;
  readonly #comment: { offset: number; length: number };
  #regions: Partial<Regions> = {};
  #layout: ScanLayout = { numColumns: 0, cells: [], constants: [] };

  constructor(setup: ScanSetup, memory: ScanMemory) {
    this.#setup = setup;
    this.#json = setup.json && new JsonCells(setup.json);
    this.#memory = memory;
    this.#tables = setup.requests.map(({ as }) => (as === "key" ? new KeyTable(memory) : undefined));
    this.#cache = setup.requests.map(() => new Map<string, number>());
    this.#parseNumber = numberParser(setup.numbers ?? {});
    this.#report = memory.allocate(20);
    const comment = Buffer.from(setup.dialect.comment ?? "");
    const { offset } = memory.allocate(comment.length + 1);
    memory.u8.set(comment, offset);
    this.#comment = { offset, length: comment.length };
  }

  /**
   * Returns the rows, their codes and numbers, and the faults of the chunk.
   *
   * @param given u8: whole records, the last byte a newline
   * @param rows runs of records with a quoted cell: alternating starts and ends, ascending
   * @param layout layout of the chunk's file
   * @throws {UsageError} the keys outgrow the memory
   */
  scan(given: Uint8Array, rows: readonly number[], layout: ScanLayout): ChunkScan {
    this.#layout = layout;
    const json = this.#json?.textOf(given);
    const { bytes, quoted } = json ?? { bytes: given, quoted: rows };
    const scan: ChunkScan = {
      numRows: 0,
      numLines: 0,
      columns: [],
      newKeys: [],
      badCells: [],
      fault: undefined,
      faults: { ragged: 0, quote: 0, encoding: 0 },
      numHeaders: 0,
      ...(json && { json: { faults: json.faults, later: json.later } }),
    };
    if (!isUtf8(bytes)) {
      scan.faults.encoding = 1;
      scan.fault = { reason: "encoding", line: firstBadLine(bytes), numCells: 0, numColumns: 0, text: "" };
      return scan;
    }
    const sizes = this.#tables.map((table) => table?.size ?? 0);
    const regions = this.#placeChunk(bytes);
    const headers = layout.header ? linesLike(bytes, layout.header.line) : [];
    let at = 0;
    for (let run = 0; run < quoted.length; run += 2) {
      this.#scanPlain(bytes, at, quoted[run]!, headers, regions, scan);
      this.#scanText(bytes.subarray(quoted[run], quoted[run + 1]), regions, scan);
      at = quoted[run + 1]!;
    }
    this.#scanPlain(bytes, at, bytes.length, headers, regions, scan);
    this.#fillConstants(regions, scan);
    if (layout.header && this.#mayHaveReordered(layout.header.cells)) {
      const { delimiter } = this.#setup.dialect;
      scan.reordered ??= reorderedLine(bytes, quoted, layout.header.cells, delimiter);
    }

    const { u32, f64 } = this.#memory;
    scan.columns = this.#setup.requests.map(({ as }, i) => {
      const { offset } = regions.outputs[i]!;
      if (as === "key") return u32.subarray(offset / 4, offset / 4 + scan.numRows);
      return f64.subarray(offset / 8, offset / 8 + scan.numRows);
    });
    if (json) inLinesOfJson(scan, json);
    scan.badCells.sort((a, b) => a.row - b.row || a.request - b.request);
    scan.newKeys = this.#tables.map((table, i) => table?.keysFrom(sizes[i]!) ?? noKeys());
    return scan;
  }

  /** Whether a column contains a name of the header as a key; otherwise no line repeats the names in another order. */
  #mayHaveReordered(header: readonly string[]): boolean {
    const table = this.#tables.find((one, i) => one && this.#layout.cells[i] !== -1);
    if (!table) return false;
    const codes = new Uint32Array(header.length);
    table.find(encodeKeys(header), 0, codes);
    return codes.some((code) => code < UNKNOWN);
  }

  /** Scans lines without a quoted cell, except those that repeat the header. */
  #scanPlain(
    bytes: Uint8Array,
    from: number,
    to: number,
    headers: readonly { start: number; end: number }[],
    regions: Regions,
    scan: ChunkScan,
  ): void {
    let at = from;
    for (const { start, end } of headers) {
      if (start < at || end > to) continue;
      this.#scanBytes(bytes, at, start, regions, scan);
      scan.rowLines ??= firstLines(scan.numRows);
      scan.numHeaders++;
      scan.numLines++;
      at = end;
    }
    this.#scanBytes(bytes, at, to, regions, scan);
  }

  /** Fills the columns that the file does not have: their cell is the same in all of its rows. */
  #fillConstants({ outputs }: Regions, scan: ChunkScan): void {
    for (const [request, { as }] of this.#setup.requests.entries()) {
      if (this.#layout.cells[request] !== -1) continue;
      const text = this.#layout.constants[request]!;
      const { offset } = outputs[request]!;
      if (as === "key") {
        // the code is looked up before the view of the memory is created, because a new key may grow the memory
        const code = text === "" || scan.numRows === 0 ? MISSING : this.#codeOf(request, text);
        this.#memory.u32.fill(code, offset / 4, offset / 4 + scan.numRows);
        continue;
      }
      const value = this.#parseNumber(text);
      this.#memory.f64.fill(value ?? NaN, offset / 8, offset / 8 + scan.numRows);
      if (value !== undefined) continue;
      for (let row = 0; row < scan.numRows; row++)
        scan.badCells.push({ row, request, line: scan.rowLines?.[row] ?? row, text });
    }
  }

  #scanBytes(bytes: Uint8Array, from: number, to: number, regions: Regions, scan: ChunkScan): void {
    for (let start = from; start < to;) {
      // a range ends at the last newline within RANGE_BYTES; a line that is longer is a range of its own
      let end = Math.min(to, start + RANGE_BYTES);
      if (end < to) end = bytes.lastIndexOf(0x0a, end - 1) + 1;
      if (end <= start) end = bytes.indexOf(0x0a, start) + 1;
      this.#scanRange(bytes, start, end, regions, scan);
      start = end;
    }
  }

  /** Copies the chunk into the kernel's memory, and reserves memory for the results. */
  #placeChunk(bytes: Uint8Array): Regions {
    const { requests } = this.#setup;
    const { numColumns } = this.#layout;
    const memory = this.#memory;
    // upper bound on the number of rows: a row has at least a separator between any two cells and a newline, or, in a
    // log of one column, one byte and a newline
    const maxRows = Math.floor(bytes.length / Math.max(2, numColumns)) + 1;
    const old = this.#regions;
    const regions = {
      input: memory.atLeast(old.input, bytes.length + 16),
      bounds: memory.atLeast(old.bounds, 4 * (maxRows + 1) * (numColumns + 1)),
      lines: memory.atLeast(old.lines, 4 * maxRows),
      rest: memory.atLeast(old.rest, 4 * maxRows),
      outputs: requests.map(({ as }, i) =>
        memory.atLeast(old.outputs?.[i], (as === "key" ? 4 : 8) * maxRows),
      ),
    };
    this.#regions = regions;
    memory.u8.set(bytes, regions.input.offset);
    return regions;
  }

  #scanRange(bytes: Uint8Array, start: number, end: number, regions: Regions, scan: ChunkScan): void {
    const { dialect } = this.#setup;
    const { numColumns, cells: places } = this.#layout;
    const { kernel } = this.#memory;
    const { input, bounds, lines, rest, outputs } = regions;

    // finds the bounds of all cells
    const numRows = kernel.indexRows(
      input.offset + start,
      input.offset + end,
      dialect.delimiter.charCodeAt(0),
      numColumns,
      this.#comment.offset,
      this.#comment.length,
      bounds.offset,
      lines.offset,
      this.#report.offset,
    );
    const at = this.#report.offset / 4;
    const [numLines, numRagged, badStart, badLine, badCells] = this.#memory.u32.slice(at, at + 5);
    scan.faults.ragged += numRagged!;
    if (numRagged! > 0) {
      const badRow = badStart! - input.offset;
      scan.fault ??= {
        reason: "ragged",
        line: scan.numLines + badLine!,
        numCells: badCells!,
        numColumns,
        text: rowExcerpt(bytes.subarray(badRow, bytes.indexOf(0x0a, badRow)), dialect),
      };
      if (this.#setup.keepBadRows) this.#keepRagged(bytes.subarray(start, end), scan);
    }

    // converts the cells of each requested column to codes or numbers
    const stride = 4 * (numColumns + 1);
    for (const [request, column] of places.entries()) {
      if (column === -1) continue;
      const gap = column === 0 ? 0 : 1;
      const cells = { base: 0, bounds: bounds.offset + 4 * column, stride, gap, numCells: numRows };
      const table = this.#tables[request];
      const { offset } = outputs[request]!;
      if (table) {
        table.intern(cells, end - start, offset + 4 * scan.numRows);
        continue;
      }
      const values = offset + 8 * scan.numRows;
      // the kernel parses only numbers with a decimal point and without thousands separators
      const isPlain = this.#parseNumber === parseNumber;
      const numRest = isPlain
        ? kernel.parseCells(cells.bounds, stride, gap, numRows, values, rest.offset)
        : numRows;
      for (let i = 0; i < numRest; i++) {
        const row = isPlain ? this.#memory.u32[rest.offset / 4 + i]! : i;
        const cell = (cells.bounds + row * stride) / 4;
        const from = this.#memory.u32[cell]! + gap - input.offset;
        const text = decodedUtf8(bytes.subarray(from, this.#memory.u32[cell + 1]! - input.offset));
        const value = this.#parseNumber(text);
        this.#memory.f64[values / 8 + row] = value ?? NaN;
        if (value !== undefined) continue;
        const line = scan.numLines + this.#memory.u32[lines.offset / 4 + row]!;
        scan.badCells.push({ row: scan.numRows + row, request, line, text });
      }
    }
    // because of blank lines, comments and skipped rows, a row's number may differ from its line number
    if (scan.rowLines || numRows !== numLines) {
      const from = lines.offset / 4;
      const own = this.#memory.u32.slice(from, from + numRows).map((line) => scan.numLines + line);
      scan.rowLines = joinLines(scan.rowLines ?? firstLines(scan.numRows), own);
    }
    scan.numRows += numRows;
    scan.numLines += numLines!;
  }

  /** Parses a range again to find all ragged rows, because the kernel reports only the first. */
  #keepRagged(bytes: Uint8Array, scan: ChunkScan): void {
    const { dialect } = this.#setup;
    const { numColumns } = this.#layout;
    scan.faultyRows ??= [];
    const { faultyRows } = scan;
    forEachRow(bytes, dialect, ({ cells, line }, source) => {
      if (cells.length !== numColumns)
        faultyRows.push({ reason: "ragged", line: scan.numLines + line, text: source() });
    });
  }

  #scanText(bytes: Uint8Array, { outputs }: Regions, scan: ChunkScan): void {
    const { dialect } = this.#setup;
    const { numColumns, cells: places, header } = this.#layout;
    const firstLine = scan.numLines;
    const firstRow = scan.numRows;
    const rowLines: number[] = [];
    scan.numLines += forEachRow(bytes, dialect, ({ cells, line, malformedQuote }, source) => {
      if (header && malformedQuote === -1 && isHeader(cells, header.cells)) {
        scan.numHeaders++;
        return;
      }
      if (header && malformedQuote === -1 && isReordered(cells, header.cells))
        scan.reordered ??= { line: firstLine + line, cells, header: header.cells };
      if (malformedQuote !== -1 || cells.length !== numColumns) {
        const reason = malformedQuote !== -1 ? "quote" : "ragged";
        scan.faults[reason]++;
        if (this.#setup.keepBadRows)
          (scan.faultyRows ??= []).push({ reason, line: firstLine + line, text: source() });
        scan.fault ??= {
          reason,
          line: firstLine + (malformedQuote !== -1 ? malformedQuote : line),
          numCells: cells.length,
          numColumns,
          text: rowExcerpt(Buffer.from(cells.join(dialect.delimiter)), dialect),
        };
        return;
      }
      for (let request = 0; request < places.length; request++) {
        if (places[request] === -1) continue;
        const text = cells[places[request]!]!;
        const { offset } = outputs[request]!;
        if (this.#tables[request]) {
          // the code is looked up before the view of the memory is created, because a new key may grow the memory
          const code = text === "" ? MISSING : this.#codeOf(request, text);
          this.#memory.u32[offset / 4 + scan.numRows] = code;
          continue;
        }
        const value = this.#parseNumber(text);
        if (value === undefined) {
          scan.badCells.push({ row: scan.numRows, request, line: firstLine + line, text });
        }
        this.#memory.f64[offset / 8 + scan.numRows] = value ?? NaN;
      }
      rowLines.push(firstLine + line);
      scan.numRows++;
    });
    scan.rowLines = joinLines(scan.rowLines ?? firstLines(firstRow), Uint32Array.from(rowLines));
  }

  #codeOf(request: number, text: string): number {
    const cache = this.#cache[request]!;
    let code = cache.get(text);
    if (code === undefined) {
      const bytes = Buffer.from(text, "utf8");
      const key = { size: 1, bytes, offsets: Uint32Array.of(0, bytes.length) };
      code = this.#tables[request]!.codesOf(key)[0]!;
      if (cache.size >= MAX_CACHED) cache.clear();
      cache.set(text, code);
    }
    return code;
  }
}

/** Returns u32[numRows]: line numbers of consecutive rows from line 0 on. */
function firstLines(numRows: number): Uint32Array {
  return Uint32Array.from({ length: numRows }, (_, row) => row);
}

function joinLines(a: Uint32Array, b: Uint32Array): Uint32Array {
  const joined = new Uint32Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** Replaces lines of the text that JSON became by lines of JSON, which differ if a cell has a line end. */
function inLinesOfJson(scan: ChunkScan, { lines, numLines }: JsonText): void {
  scan.numLines = numLines;
  if (!lines) return;
  scan.rowLines = (scan.rowLines ?? firstLines(scan.numRows)).map((line) => lines[line]!);
  for (const cell of scan.badCells) cell.line = lines[cell.line]!;
}
