// A log opened for reading: its columns and first rows are known, its rows are read once, in order.
//
// This file is the room's contract; the ways in are openLog (open.ts) and Log.read.

import type { Keys } from "./keys.js";
import type { InputFormat } from "./form.js";
import type { InputFingerprint } from "../io/fingerprint.js";
import type { NumberForm } from "./number.js";
import type { LaterColumns } from "./file-columns.js";
import type { ByteSource, PeekedSource } from "../io/source.js";
import type { NullCells } from "./nulls.js";

export interface ReadOptions extends NumberForm {
  /** undefined: by the file's extension */
  format?: InputFormat;
  /** undefined: by the file's extension, else from the header line */
  delimiter?: string;
  /** false: the first line is data and the columns are named c0, c1, ... */
  header: boolean;
  /** names of the columns of files without a header, for which `header` is false */
  columns?: readonly string[];
  /** a WHATWG encoding label; undefined: UTF-8, checked */
  encoding?: string;
  /** lines that start with it are left out */
  comment?: string;
  /** `skip` leaves bad rows out and counts them */
  onBadRow: "error" | "skip";
  /** true: batches hold what was left out, too; it costs a second look at the 64 KB around each such row */
  keepBadRows?: boolean;
  /** the largest cell in bytes before a quote is taken to be unclosed */
  maxCell: number;
  threads: number;
  /** rows that repeat an earlier one, cell by cell, are left out and counted */
  dedupe?: boolean;
  /** separator by column: how values of a list are joined, and distinguished from others, as text */
  multi?: Record<string, string>;
  /** columns of these whose values may carry a number, `key:number`, in a form that has them */
  multiWeights?: string[];
  /** rows in memory, which stand for the file that is named */
  held?: HeldRows;
  /** the first file, opened already */
  opened?: PeekedSource;
  /** where files come from that are not on this machine; the disk when absent */
  sources?: Sources;
  /** the server that reads the log, and how: engine/ makes a log of it. Without secrets, as runs keep it */
  engine?: EngineReading;
  /** columns that nobody wants: what they hold need not be fit for a column */
  ignore?: string[];
  /** texts that stand for a missing cell; none when absent */
  nulls?: readonly string[];
}

/** Where the files of a log are read from. */
export interface Sources {
  /** @throws as openSource */
  open: (path: string, pieceBytes: number) => Promise<ByteSource>;
}

/** A Spark Connect server as the engine that reads a log. */
export interface EngineReading {
  /** `sc://HOST:PORT/;...`; its parameters are dropped where it is kept */
  address: string;
  /** a file with the query whose rows are the log */
  sql?: string;
  /** columns that order the rows of a table or a query */
  order?: string[];
  /** bytes of rows that one job returns, about; one job a file or table when absent */
  slice?: number;
  /** seconds that the server may be out of reach or silent */
  timeout?: number;
  /** true: files are read once more on the server's side for their checksums */
  hash?: boolean;
}

/** What runs and datasets keep of a reading: what no byte depends on is left out. */
export function keptReading({ threads: _, engine, ...reading }: ReadOptions): Omit<ReadOptions, "threads"> {
  if (!engine) return reading;
  const { address, sql, order } = engine;
  return { ...reading, engine: { address, ...(sql !== undefined && { sql }), ...(order && { order }) } };
}

/** Whether a name of a log is one that only an engine finds: a URI, a table or a query. */
export function isRemote(name: string): boolean {
  return /^([a-z][a-z0-9+.-]*:\/|table:|sql:)/i.test(name);
}

/** Whole records of an input that is read group by group (grouped-rows.ts). */
export interface HeldRows {
  /** u8: UTF-8, with the header line where there is one */
  bytes: Uint8Array;
  /** physical lines of the input between the header and the first row */
  linesBefore: number;
  /** of JSON lines: names that rows before had, so that they may be missing here */
  columns: readonly string[];
}

/** What a run keeps of how its log was read: what cells say and are called, whatever the file that has them. */
export type CellReading = Pick<ReadOptions, "nulls" | "columns" | "delimiter" | "decimal" | "thousands">;

/** Delimiters that are found where nobody names them. */
export const FOUND_DELIMITERS: readonly string[] = [",", "\t", ";", "|"];

/** These of a reading's options; a delimiter that is found belongs to the file. */
export function cellReadingOf({ nulls, columns, delimiter, ...numbers }: CellReading): CellReading {
  const isNamed = delimiter !== undefined && !FOUND_DELIMITERS.includes(delimiter);
  return {
    ...(nulls && { nulls }),
    ...(columns && { columns }),
    ...(isNamed && { delimiter }),
    ...numberFormOf(numbers),
  };
}

/** How numbers are written, of a reading's options. */
export function numberFormOf({ decimal, thousands }: NumberForm): NumberForm {
  return { ...(decimal !== undefined && { decimal }), ...(thousands !== undefined && { thousands }) };
}

export const defaultReadOptions: ReadOptions = {
  header: true,
  onBadRow: "error",
  maxCell: 4 << 20,
  threads: 2,
};

/** What a log says whose cells are not delimited text. */
export function undelimited({
  nulls = [],
}: ReadOptions): Pick<Log, "nulls" | "numbers" | "delimiter" | "warnings" | "laterColumns"> {
  return { nulls, numbers: {}, delimiter: "", warnings: [], laterColumns: new Map() };
}

/** What to make of a column: its keys as codes of a dictionary, or its numbers. */
export interface ColumnRequest {
  name: string;
  as: "key" | "number";
  /** numbers are milliseconds since 1970; of columns in Log.times only */
  isTime?: true;
}

/** A cell that is no finite number, in a column that was requested as numbers. Lines count from 1. */
export interface BadCell {
  /** row within the batch */
  row: number;
  /** index of the request */
  request: number;
  file: string;
  line: number;
  text: string;
}

/** A row that was left out of a batch, as its text. Lines count from 1. */
export interface FaultyRow {
  file: string;
  line: number;
  reason: string;
  text: string;
}

/** Consecutive rows of the log. Arrays are the receiver's until `onBatch` has ended. */
export interface Batch {
  /** index of the first row in the whole log */
  firstRow: number;
  numRows: number;
  /**
   * one array a request, in the order of the requests, each of numRows entries.
   * key: u32 codes by first appearance in the whole log, 0xffffffff for an empty cell; number: f64, NaN for an empty or bad cell
   */
  columns: (Uint32Array | Float64Array)[];
  /** by row, then request */
  badCells: BadCell[];
  /** rows left out, by line; empty unless they are to be kept. A batch may hold nothing else */
  faultyRows: FaultyRow[];
  /** where a row stands in its file, for a message about it */
  placeOf(row: number): { file: string; line: number };
  /** dictionary sizes after this batch, one a request (0 for numbers): codes at and above the last batch's size are new */
  sizes: number[];
  /** one a request: cells that ReadOptions.nulls made missing, of the whole log so far */
  nulls: readonly NullCells[];
}

/** How far a reading is; bytes are of the (compressed) files. */
export interface ReadProgress {
  rows: number;
  bytes: number;
  totalBytes: number | undefined;
}

export interface ReadResult {
  numRows: number;
  /** one a request; empty for numbers */
  dictionaries: Keys[];
  inputs: InputFingerprint[];
  /** rows left out under onBadRow skip, by reason */
  skipped: Record<string, number>;
  /** rows left out under dedupe */
  repeats?: number;
  /** what a user should know of its rows, a sentence each */
  warnings?: string[];
  /** lines that repeat the header of their file, and were left out */
  repeatedHeaders?: number;
  /** one a request: cells that `nulls` made missing */
  nulls: NullCells[];
}

export interface Log {
  /** names of the columns, in order */
  columns: string[];
  /** the first rows (at most 1,000) as text, for inference and display */
  sample: string[][];
  /** true when the sample is the whole log */
  sampleIsAll: boolean;
  /** what was found or given; empty where cells are not delimited */
  delimiter: string;
  /** texts that it reads as missing */
  nulls: readonly string[];
  /** how its numbers are written */
  numbers: NumberForm;
  /** what a user should know of its files, a sentence each */
  warnings: string[];
  /** columns that the first file has not: they are no columns of the log */
  laterColumns: LaterColumns;
  /** columns whose cells hold several values by the log's form, with the separator that joins them */
  multi?: Record<string, string>;
  /** columns of these whose values carry a number by the log's form, as text `key:number` */
  multiWeights?: string[];
  /** columns that hold times by the log's form: they may be requested as such */
  times?: ReadonlySet<string>;
  /** columns of 64-bit floating-point numbers by the log's form */
  floats?: ReadonlySet<string>;
  /**
   * Reads every row once, in order; batches hold a few thousand to some hundred thousand rows.
   *
   * The same log gives the same codes at any number of threads. `onBatch` may look keys up in `keyOf` while reading.
   *
   * @throws {DataError} a malformed row, with file and line (unless skipped); bad numbers are reported in the batch instead
   */
  read(
    requests: readonly ColumnRequest[],
    onBatch: (batch: Batch, keyOf: (request: number, code: number) => string) => void | Promise<void>,
    observe?: (progress: ReadProgress) => void,
  ): Promise<ReadResult>;
  /** Frees file handles and workers; for a log that is not read to its end. */
  close(): Promise<void>;
}
