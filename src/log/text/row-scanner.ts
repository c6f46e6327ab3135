// Rows of text cells → what a chunk scanner makes of bytes: codes and numbers, for merge.ts.

import { MISSING, keysOf } from "../keys.js";
import type { ChunkScan } from "./chunk-scanner.js";
import { KeyTable } from "../key-table.js";
import { parseNumber } from "../number.js";
import type { ScanMemory } from "../scanner.js";

/** Keys of a column that are remembered as text. */
const MAX_CACHED = 1 << 16;

/** What is asked for: the column's index, and as what. */
export interface RowRequest {
  column: number;
  as: "key" | "number";
}

/** Scans rows one batch after another. */
export class RowScanner {
  readonly #requests: readonly RowRequest[];
  readonly #tables: (KeyTable | undefined)[];
  readonly #cache: Map<string, number>[];

  constructor(requests: readonly RowRequest[], memory: ScanMemory) {
    this.#requests = requests;
    this.#tables = requests.map(({ as }) => (as === "key" ? new KeyTable(memory) : undefined));
    this.#cache = requests.map(() => new Map<string, number>());
  }

  /**
   * @param rows  cells of each row, one a column of the log
   * @param lines of each row, from 0
   * @throws {UsageError} the keys outgrow the memory
   */
  scan(rows: readonly string[][], lines: readonly number[], numLines: number): ChunkScan {
    const sizes = this.#tables.map((table) => table?.size ?? 0);
    const badCells: ChunkScan["badCells"] = [];
    const columns = this.#requests.map(({ column, as }, request) => {
      if (as === "key") return this.#codesOf(request, rows, column);
      return Float64Array.from(rows, (cells, row) => {
        const text = cells[column]!;
        const value = parseNumber(text);
        if (value === undefined) badCells.push({ row, request, line: lines[row]!, text });
        return value ?? NaN;
      });
    });
    badCells.sort((a, b) => a.row - b.row || a.request - b.request);
    return {
      numRows: rows.length,
      numLines,
      rowLines: Uint32Array.from(lines),
      columns,
      newKeys: this.#tables.map((table, i) => table?.keysFrom(sizes[i]!) ?? keysOf([])),
      badCells,
      fault: undefined,
      faults: { ragged: 0, quote: 0, encoding: 0 },
      numHeaders: 0,
    };
  }

  /** Keys that the cache does not know go to the table together: a call into the kernel costs more than a look-up. */
  #codesOf(request: number, rows: readonly string[][], column: number): Uint32Array {
    const table = this.#tables[request]!;
    const cache = this.#cache[request]!;
    if (cache.size >= MAX_CACHED) cache.clear();
    const unknown = new Set<string>();
    for (const cells of rows) {
      const text = cells[column]!;
      if (text !== "" && !cache.has(text)) unknown.add(text);
    }
    const keys = [...unknown];
    // a key is a slice of its line, and a slice keeps all that it is cut from: the cache holds copies
    table
      .codesOf(keysOf(keys))
      .forEach((code, i) => cache.set(Buffer.from(keys[i]!, "utf8").toString("utf8"), code));
    return Uint32Array.from(rows, (cells) => (cells[column] === "" ? MISSING : cache.get(cells[column]!)!));
  }
}
