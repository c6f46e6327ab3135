// Chunk scans in the order of their chunks → batches with the log's own codes.
//
// A scanner's codes count its own keys. Chunks are merged strictly in order, each with the keys that were new to its
// scanner in order of appearance; a scanner sees its chunks in order, too. So each key gets its code at its first
// appearance in the log, whatever the number of scanners.

import { DataError } from "../errors.js";
import { MISSING } from "../kernels/scan/layout.js";
import type { ChunkScan, RowFault, ScanSetup } from "./chunk-scanner.js";
import { notUtf8 } from "./dialect.js";
import { dictionaryOf, type Dictionary } from "./dictionary.js";
import { KeyTable } from "./key-table.js";
import type { Batch } from "./log.js";
import type { ScanMemory } from "./scanner.js";

/** How faults are called in ReadResult.skipped. */
const REASONS: Record<RowFault, string> = {
  ragged: "wrong number of cells",
  quote: "malformed quote",
  encoding: "not in the encoding",
};

/** The state of one reading. */
export class Merger {
  /** physical line of the next chunk's first line, from 1 */
  nextLine = 1;
  numRows = 0;
  /** rows of the current file, left out ones too */
  rowsOfFile = 0;
  readonly skipped: Record<string, number> = {};
  readonly #setup: ScanSetup;
  readonly #onBadRow: "error" | "skip";
  readonly #encoding: string | undefined;
  readonly #tables: (KeyTable | undefined)[];
  /** by scanner, then request: the log's code of each code of the scanner */
  readonly #codes: CodeMap[][];

  constructor(
    setup: ScanSetup,
    numScanners: number,
    onBadRow: "error" | "skip",
    encoding: string | undefined,
    memory: ScanMemory,
  ) {
    this.#setup = setup;
    this.#onBadRow = onBadRow;
    this.#encoding = encoding;
    this.#tables = setup.requests.map(({ as }) => (as === "key" ? new KeyTable(memory) : undefined));
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
      map.append(table.codesOf(scan.newKeys[request]!));
      map.apply(column);
    }
    const firstLine = this.nextLine;
    const batch: Batch = {
      firstRow: this.numRows,
      numRows: scan.numRows,
      columns: scan.columns,
      badCells: scan.badCells.map((cell) => ({ ...cell, file: path, line: this.nextLine + cell.line })),
      faultyRows: (scan.faultyRows ?? []).map(({ reason, line, text }) => ({
        file: path,
        line: this.nextLine + line,
        reason: REASONS[reason],
        text,
      })),
      placeOf: (row) => ({ file: path, line: firstLine + (scan.rowLines?.[row] ?? row) }),
      sizes: this.#tables.map((table) => table?.size ?? 0),
    };
    this.numRows += scan.numRows;
    this.nextLine += scan.numLines;
    return batch;
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
        `malformed quote: a quoted cell must end at a delimiter or a line end, and a quote inside it is written "": ${fault.text}`,
        place,
      );
    }
    if (this.#onBadRow === "error") {
      const { numColumns } = this.#setup;
      throw new DataError(
        `expected ${numColumns} columns, got ${fault.numCells}: ${fault.text} (--on-bad-row skip leaves such rows out)`,
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

  dictionaries(): Dictionary[] {
    return this.#tables.map((table) => table?.keysFrom(0) ?? dictionaryOf([]));
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

  append(codes: Uint32Array): void {
    if (this.#size + codes.length > this.#codes.length) {
      const larger = new Uint32Array(2 * (this.#size + codes.length));
      larger.set(this.#codes.subarray(0, this.#size));
      this.#codes = larger;
    }
    this.#codes.set(codes, this.#size);
    this.#size += codes.length;
  }

  apply(column: Uint32Array): void {
    const codes = this.#codes;
    for (let r = 0; r < column.length; r++) {
      const code = column[r]!;
      if (code !== MISSING) column[r] = codes[code]!;
    }
  }
}
