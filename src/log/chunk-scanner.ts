// One chunk → codes and numbers. A scanner belongs to one thread and has its own codes; merge.ts makes them the log's.

import { isUtf8 } from "node:buffer";
import type { Dictionary } from "./dictionary.js";
import { firstBadLine, rowExcerpt } from "./dialect.js";
import { KeyTable } from "./key-table.js";
import { parseNumber } from "./number.js";
import type { Dialect } from "./records.js";
import { forEachRow } from "./text-rows.js";

/** The code of an empty cell. */
const MISSING = 0xffffffff;

/** What a scanner must know beside the bytes; the same for all threads. */
export interface ScanSetup {
  dialect: Dialect;
  numColumns: number;
  /** what is asked for: the column's index, and as what */
  requests: { column: number; as: "key" | "number" }[];
}

/** Why a row cannot be used. */
export type RowFault = "ragged" | "quote" | "encoding";

/** A chunk, scanned. Lines count from 0 at the chunk's start. */
export interface ChunkScan {
  numRows: number;
  /** physical lines of the chunk */
  numLines: number;
  /** one a request: u32 codes of this scanner, MISSING where empty; or f64 */
  columns: (Uint32Array | Float64Array)[];
  /** one a request: the keys that got their code in this chunk, in the order of their codes; empty for numbers */
  newKeys: Dictionary[];
  badCells: { row: number; request: number; line: number; text: string }[];
  /** the first row that cannot be used */
  fault: { reason: RowFault; line: number; numCells: number; text: string } | undefined;
  /** rows left out, by reason */
  faults: Record<RowFault, number>;
}

/** Scans chunks one after another, for one thread. */
export class ChunkScanner {
  readonly #setup: ScanSetup;
  readonly #tables: (KeyTable | undefined)[];

  constructor(setup: ScanSetup) {
    this.#setup = setup;
    this.#tables = setup.requests.map(({ as }) => (as === "key" ? new KeyTable() : undefined));
  }

  /**
   * @param bytes u8: whole records, the last byte a newline
   * @param quoted whether a cell is quoted
   */
  scan(bytes: Uint8Array, _quoted: boolean): ChunkScan {
    const { dialect, numColumns, requests } = this.#setup;
    const scan: ChunkScan = {
      numRows: 0,
      numLines: 0,
      columns: [],
      newKeys: [],
      badCells: [],
      fault: undefined,
      faults: { ragged: 0, quote: 0, encoding: 0 },
    };
    if (!isUtf8(bytes)) {
      scan.faults.encoding = 1;
      scan.fault = { reason: "encoding", line: firstBadLine(bytes), numCells: 0, text: "" };
      return scan;
    }
    const sizes = this.#tables.map((table) => table?.size ?? 0);
    const columns: number[][] = requests.map(() => []);
    scan.numLines = forEachRow(bytes, dialect, ({ cells, line, malformedQuote }) => {
      if (malformedQuote !== -1 || cells.length !== numColumns) {
        const reason = malformedQuote !== -1 ? "quote" : "ragged";
        scan.faults[reason]++;
        scan.fault ??= {
          reason,
          line: malformedQuote !== -1 ? malformedQuote : line,
          numCells: cells.length,
          text: rowExcerpt(Buffer.from(cells.join(dialect.delimiter))),
        };
        return;
      }
      for (let request = 0; request < requests.length; request++) {
        const text = cells[requests[request]!.column]!;
        const table = this.#tables[request];
        if (table) {
          columns[request]!.push(text === "" ? MISSING : table.codeOf(text));
          continue;
        }
        const value = parseNumber(text);
        if (value === undefined) scan.badCells.push({ row: scan.numRows, request, line, text });
        columns[request]!.push(value ?? NaN);
      }
      scan.numRows++;
    });
    scan.columns = columns.map((values, i) =>
      this.#tables[i] ? Uint32Array.from(values) : Float64Array.from(values),
    );
    scan.newKeys = this.#tables.map((table, i) => table?.keysFrom(sizes[i]!) ?? new KeyTable().keysFrom(0));
    return scan;
  }
}
