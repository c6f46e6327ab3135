// Chunk scans in the order of their chunks → batches with the log's own codes.
//
// A scanner's codes count its own keys. Chunks are merged strictly in order, each with the keys that were new to its
// scanner in order of appearance; a scanner sees its chunks in order, too. So each key gets its code at its first
// appearance in the log, whatever the number of scanners.

import { MISSING, keysOf, selectKeys, type Keys } from "./keys.js";
import { DataError } from "../errors.js";
import type { ChunkScan, RowFault, ScanSetup } from "./text/chunk-scanner.js";
import { notUtf8 } from "./text/dialect.js";
import type { TableLock } from "./key-finder.js";
import { KeyTable } from "./key-table.js";
import type { Batch, ReadOptions } from "./log.js";
import { NullTexts, type NullCells } from "./nulls.js";
import { ColumnCodes } from "./parquet/codes.js";
import type { ScanMemory } from "./scanner.js";

/** How faults are called in ReadResult.skipped. */
const REASONS: Record<RowFault, string> = {
  ragged: "wrong number of cells",
  quote: "malformed quote",
  encoding: "not in the encoding",
};

/** Rows without a fault; their arrays become the batch's. */
export type CodedRows = Pick<ChunkScan, "numRows" | "numLines" | "rowLines" | "columns" | "badCells">;

/** The state of one reading. */
export class Merger {
  /** physical line of the next chunk's first line, from 1 */
  nextLine = 1;
  numRows = 0;
  /** lines that repeat a header */
  numHeaders = 0;
  /** rows of the current file, left out ones too */
  rowsOfFile = 0;
  readonly skipped: Record<string, number> = {};
  /** one a request */
  readonly nulls: NullCells[];
  readonly #nullTexts: NullTexts;
  readonly #onBadRow: "error" | "skip";
  readonly #encoding: string | undefined;
  readonly #tables: (KeyTable | undefined)[];
  /** by scanner, then request: the log's code of each code of the scanner */
  readonly #codes: CodeMap[][];

  /** @param lock of the memory, where other threads look keys up */
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
    this.#tables = setup.requests.map(({ as }) => (as === "key" ? new KeyTable(memory, lock) : undefined));
    this.#codes = Array.from({ length: numScanners }, () => setup.requests.map(() => new CodeMap()));
  }

  /** Lines count anew with each file. */
  startFile(linesBefore: number): void {
    this.nextLine = linesBefore + 1;
    this.rowsOfFile = 0;
  }

  /**
   * The chunk's rows with the log's codes; the scan's arrays become the batch's.
   * @throws {DataError} a row that cannot be used, unless such rows are skipped
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

  /** As merge(), of rows whose codes are the log's (codes.ts). */
  mergeCoded(rows: CodedRows, path: string): Batch {
    this.rowsOfFile += rows.numRows;
    return this.#batchOf(rows, path);
  }

  /** One a request: what gives keys the log's codes, where scanners do not; undefined for numbers. */
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

  /** The log's codes of new keys; MISSING for those that stand for a missing cell, which become no keys of the log. */
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

  /** Cells that are no numbers, without those that stand for a missing one: as numbers these are NaN already. */
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

  #checkFaults({ fault, faults, numRows }: ChunkScan, path: string): void {
    const numFaults = faults.ragged + faults.quote + faults.encoding;
    this.rowsOfFile += numRows + numFaults;
    if (!fault) return;
    const place = { file: path, line: this.nextLine + fault.line };
    // bytes of another encoding are no matter of single rows
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
        `expected ${fault.numColumns} columns, got ${fault.numCells}: ${fault.text} (--on-bad-row skip skips ` +
          "such rows)",
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
    return this.#tables.map((table) => table?.keysFrom(0) ?? keysOf([]));
  }
}

/** Whether a column holds codes; not instanceof, which is false for arrays of another realm. */
function isCodes(column: Uint32Array | Float64Array): column is Uint32Array {
  return column.BYTES_PER_ELEMENT === 4;
}

/** A growing u32 array: code of a scanner → code of the log. */
class CodeMap {
  #codes = new Uint32Array(256);
  #size = 0;
  /** each code is its own, as those of the only scanner are */
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

  /** Replaces codes of the scanner. @returns how many of them became MISSING */
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
