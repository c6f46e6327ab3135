// Merges the scans of chunks, in the order of the chunks, into batches with the log's codes.
//
// Each scanner assigns its own codes to keys, in order of appearance, and lists the keys of a chunk that are new to it.
// Chunks are merged strictly in order, and a scanner receives its chunks in order. So the code of a key is determined
// by its first appearance in the log, whatever the number of scanners.

import { skipAdvice } from "./skip-advice.js";
import { MISSING, encodeKeys, selectKeys, type Keys } from "./keys.js";
import { DataError } from "../base/errors.js";
import type { ChunkScan, FaultReason, ScanSetup } from "./text/chunk-scanner.js";
import { notUtf8 } from "./text/dialect.js";
import { reorderedHeader } from "./text/header-lines.js";
import type { TableLock } from "./key-finder.js";
import { KeyTable } from "./key-table.js";
import type { Batch, ReadOptions } from "./log.js";
import { NullTexts, type NullCells } from "./nulls.js";
import { ColumnCodes } from "./parquet/codes.js";
import type { ScanMemory } from "./scanner.js";

/** Names of the faults of rows in ReadResult.skipped. */
const REASONS: Record<FaultReason, string> = {
  ragged: "wrong number of cells",
  quote: "malformed quote",
  encoding: "not in the encoding",
};

/** Rows without faults; the batch takes ownership of their arrays. */
export type CodedRows = Pick<ChunkScan, "numRows" | "numLines" | "rowLines" | "columns" | "badCells">;

export class Merger {
  /** physical line of the next chunk's first line, from 1 */
  nextLine = 1;
  numRows = 0;
  /** number of lines that repeat the header of their file */
  numHeaders = 0;
  /** number of rows of the current file, including skipped rows */
  rowsOfFile = 0;
  readonly skipped: Record<string, number> = {};
  /** the log's keys of each requested column */
  readonly nulls: NullCells[];
  readonly #nullTexts: NullTexts;
  readonly #onBadRow: "error" | "skip";
  readonly #encoding: string | undefined;
  readonly #tables: (KeyTable | undefined)[];
  /** for each scanner and each requested column: maps the scanner's codes to the log's codes */
  readonly #codes: CodeMap[][];

  /** @param lock lock of the memory with the key tables, if other threads look keys up in them */
  constructor(
    setup: Pick<ScanSetup, "requests">,
    numScanners: number,
    { onBadRow, encoding, nulls }: Pick<ReadOptions, "onBadRow" | "encoding" | "nulls">,
    memory: ScanMemory,
    lock?: TableLock,
  ) {
    this.#nullTexts = new NullTexts(nulls);
    this.nulls = setup.requests.map(() => ({ cells: 0, texts: [] }));
    this.#onBadRow = onBadRow;
    this.#encoding = encoding;
    const sharing = { lock, larger: () => memory.another() };
    this.#tables = setup.requests.map(({ as }) => (as === "key" ? new KeyTable(memory, sharing) : undefined));
    this.#codes = Array.from({ length: numScanners }, () => setup.requests.map(() => new CodeMap()));
  }

  /** Begins the next file of the log, whose lines are counted from 1. */
  startFile(linesBefore: number): void {
    this.nextLine = linesBefore + 1;
    this.rowsOfFile = 0;
  }

  /**
   * Returns the chunk's rows with the log's codes; the batch takes ownership of the scan's arrays.
   *
   * @throws {DataError} a row is bad and bad rows are not skipped
   */
  merge(scan: ChunkScan, scanner: number, path: string): Batch {
    this.#checkFaults(scan, path);
    for (const [request, table] of this.#tables.entries()) {
      const column = scan.columns[request]!;
      if (!table || !isCodes(column)) continue;
      const map = this.#codes[scanner]![request]!;
      map.append(this.#codesOf(table, request, scan.newKeys[request]!));
      this.nulls[request]!.cells += map.apply(column);
    }
    return this.#batchOf(scan, path);
  }

  /** Returns a batch of rows whose keys have their final codes already, and takes ownership of the arrays. */
  mergeCoded(rows: CodedRows, path: string): Batch {
    this.rowsOfFile += rows.numRows;
    return this.#batchOf(rows, path);
  }

  /** Returns for each requested column an object that assigns the log's codes to new keys; undefined for numbers. */
  columnCodes(): (ColumnCodes | undefined)[] {
    return this.#tables.map((table, request) => table && new ColumnCodes(table, this.nulls[request]!));
  }

  #batchOf(scan: CodedRows & Partial<ChunkScan>, path: string): Batch {
    const badCells = this.#numbersOf(scan.badCells);
    const firstLine = this.nextLine;
    const batch: Batch = {
      firstRow: this.numRows,
      numRows: scan.numRows,
      columns: scan.columns,
      badCells: badCells.map((cell) => ({ ...cell, file: path, line: this.nextLine + cell.line })),
      faultyRows: (scan.faultyRows ?? []).map(({ reason, line, text }) => ({
        file: path,
        line: this.nextLine + line,
        reason: REASONS[reason],
        text,
      })),
      placeOf: (row) => ({ file: path, line: firstLine + (scan.rowLines?.[row] ?? row) }),
      sizes: this.#tables.map((table) => table?.size ?? 0),
      nulls: this.nulls,
    };
    this.numHeaders += scan.numHeaders ?? 0;
    this.numRows += scan.numRows;
    this.nextLine += scan.numLines;
    return batch;
  }

  /** Returns the log's codes of new keys; a null text gets MISSING and does not become a key of the log. */
  #codesOf(table: KeyTable, request: number, keys: Keys): Uint32Array {
    if (this.#nullTexts.size === 0) return table.codesOf(keys);
    const nulls: number[] = [];
    for (let code = 0; code < keys.size; code++) {
      const text = this.#nullTexts.among(keys, code);
      if (text === undefined) continue;
      nulls.push(code);
      this.#note(request, text);
    }
    if (nulls.length === 0) return table.codesOf(keys);
    const kept = Uint32Array.from({ length: keys.size }, (_, code) => code).filter(
      (code) => !nulls.includes(code),
    );
    const codes = table.codesOf(selectKeys(keys, kept));
    const all = new Uint32Array(keys.size).fill(MISSING);
    kept.forEach((code, at) => (all[code] = codes[at]!));
    return all;
  }

  /** Returns the bad cells without those that contain a null text, which are already NaN in the column. */
  #numbersOf(badCells: ChunkScan["badCells"]): ChunkScan["badCells"] {
    if (this.#nullTexts.size === 0 || badCells.length === 0) return badCells;
    return badCells.filter(({ request, text }) => {
      const trimmed = text.trim();
      if (!this.#nullTexts.has(trimmed)) return true;
      this.#note(request, trimmed);
      this.nulls[request]!.cells++;
      return false;
    });
  }

  #note(request: number, text: string): void {
    const { texts } = this.nulls[request]!;
    if (!texts.includes(text)) texts.push(text);
  }

  #checkFaults({ fault, faults, numRows, reordered }: ChunkScan, path: string): void {
    // a reordered header is never skipped, because the rows after it have other columns
    if (reordered)
      throw reorderedHeader(reordered, {
        file: path,
        line: this.nextLine + reordered.line,
      });
    const numFaults = faults.ragged + faults.quote + faults.encoding;
    this.rowsOfFile += numRows + numFaults;
    if (!fault) return;
    const place = { file: path, line: this.nextLine + fault.line };
    // an encoding error affects the whole file, so its row is never skipped
    if (fault.reason === "encoding") throw notUtf8(path, place.line, this.#encoding);
    if (this.#onBadRow === "error" && fault.reason === "quote") {
      throw new DataError(
        "malformed quote: a quoted cell must end at a delimiter or a line end, and quotes inside it must be " +
          `doubled (""): ${fault.text}`,
        place,
      );
    }
    if (this.#onBadRow === "error") {
      throw new DataError(
        `expected ${fault.numColumns} columns, got ${fault.numCells}: ${fault.text} ` +
          `(${skipAdvice(faults.ragged + faults.quote, this.numRows + numRows + faults.ragged + faults.quote)})`,
        place,
      );
    }
    for (const reason of ["ragged", "quote"] as const) {
      if (faults[reason] > 0)
        this.skipped[REASONS[reason]] = (this.skipped[REASONS[reason]] ?? 0) + faults[reason];
    }
  }

  keyOf(request: number, code: number): string {
    return this.#tables[request]!.keyOf(code);
  }

  dictionaries(): Keys[] {
    return this.#tables.map((table) => table?.keysFrom(0) ?? encodeKeys([]));
  }
}

/** Whether a column holds codes. Does not use instanceof, which is false for arrays of another realm. */
function isCodes(column: Uint32Array | Float64Array): column is Uint32Array {
  return column.BYTES_PER_ELEMENT === 4;
}

/** A growing u32 array that maps the codes that a scanner gives to keys to the codes of these keys in the log. */
class CodeMap {
  #codes = new Uint32Array(256);
  #size = 0;
  /** true while each code maps to itself, as it does if there is a single scanner */
  #isIdentity = true;

  append(codes: Uint32Array): void {
    for (let i = 0; this.#isIdentity && i < codes.length; i++) this.#isIdentity = codes[i] === this.#size + i;
    if (this.#size + codes.length > this.#codes.length) {
      const larger = new Uint32Array(2 * (this.#size + codes.length));
      larger.set(this.#codes.subarray(0, this.#size));
      this.#codes = larger;
    }
    this.#codes.set(codes, this.#size);
    this.#size += codes.length;
  }

  /** Replaces the scanner's codes by the log's codes. @returns the number of cells that became MISSING */
  apply(column: Uint32Array): number {
    if (this.#isIdentity) return 0;
    const codes = this.#codes;
    let missing = 0;
    for (let r = 0; r < column.length; r++) {
      const code = column[r]!;
      if (code === MISSING) continue;
      const own = codes[code]!;
      column[r] = own;
      if (own === MISSING) missing++;
    }
    return missing;
  }
}
