// A log opened for reading: its columns and first rows are known, and its rows are read once, in order.
//
// This file declares the types of this folder; the entry points are openLog (open.ts) and Log.read.

import type { KeyCase, Keys } from "./keys.js";
import type { InputFingerprint } from "../base/io/fingerprint.js";
import type { NumberForm } from "./number.js";
import type { FileColumns } from "./file-columns.js";
import type { ByteSource, PeekedSource } from "../base/io/source.js";
import type { NullCells } from "./nulls.js";

export interface ReadOptions extends NumberForm {
  /** name of one of the `inputFormats` (form.ts); undefined: the format follows from the file's extension */
  format?: string;
  /** delimiter of the cells; when undefined, it follows from the file's extension or is detected in the header line */
  delimiter?: string;
  /** false: the first line is a row, and the columns are named c0, c1, ... */
  header: boolean;
  /** names of the columns of files without a header, for which `header` is false */
  columns?: readonly string[];
  /** a WHATWG encoding label; undefined: the text is UTF-8, which is checked */
  encoding?: string;
  /** lines that start with this text are skipped */
  comment?: string;
  /** `skip`: bad rows are skipped and counted */
  onBadRow: "error" | "skip";
  /** true: batches contain the skipped rows, too; this costs a second read of the 64 KB around each such row */
  keepBadRows?: boolean;
  /** maximum number of bytes of a cell; a longer quoted cell is considered unclosed */
  maxCell: number;
  threads: number;
  /** the case of all keys; as in the log when absent */
  keyCase?: KeyCase;
  /** rows that repeat an earlier row in all cells are skipped and counted */
  dedupe?: boolean;
  /** columns that identify an event: of the rows with the same cells in them, one is kept */
  dedupeBy?: string[];
  /** which of the rows with the same event is kept, in the order of the log; the first when absent */
  dedupeKeep?: "first" | "last";
  /** separator by column; it joins the values of a list as text and splits them again */
  multi?: Record<string, string>;
  /**
   * names of those columns of `multi` whose values may have a number, written `key:number`, if the format supports it
   */
  multiWeights?: string[];
  /** rows in memory, which are read in place of the named file */
  held?: HeldRows;
  /** the first file, if the caller has opened it already */
  opened?: PeekedSource;
  /** where remote files are read from; the local disk when absent */
  sources?: Sources;
  /** the server that reads the log, and its settings (see spark/); without secrets, because runs store it */
  engine?: EngineReading;
  /** columns that are not needed, so their content is not checked */
  ignore?: string[];
  /** texts that represent a missing cell; none when absent */
  nulls?: readonly string[];
}

export interface LogFile {
  path: string;
  /**
   * columns given by the path, with the cell that all rows have in them; empty for files that the user names directly
   */
  partition: Readonly<Record<string, string>>;
}

/** Sizes that determine how Parquet files are split by rows. */
export interface RangeSizes {
  /** number of rows in a range, which one call of a scanner reads */
  rangeRows: number;
  /** a log with at most this many bytes of uncompressed pages is read by the calling thread alone */
  localBytes: number;
}

/** Sizes of buffers. Tests make them small so that every boundary occurs at every position. */
export interface ReadSizes {
  /** approximate number of bytes that one call scans */
  chunkBytes: number;
  /** number of bytes that the calling thread scans before it starts other threads */
  localBytes: number;
  /** sizes for Parquet files, if they differ from the defaults */
  ranges?: RangeSizes;
}

export interface Sources {
  /** Opens a remote file for reading from start to end. @throws as openSource */
  open: (path: string, pieceBytes: number) => Promise<ByteSource>;
}

/** The settings of a Spark Connect server that reads a log. */
export interface EngineReading {
  /** `sc://HOST:PORT/;...`; the parameters are removed before a run stores it */
  address: string;
  /** a file with the SQL query that returns the log */
  sql?: string;
  /** columns that define the order of the rows of a table or a query */
  order?: string[];
  /** approximate number of bytes that the rows of one job have; when absent, there is one job per file or table */
  slice?: number;
  /** seconds that the server may be unreachable or silent */
  timeout?: number;
  /** true: the server reads the files a second time to compute their checksums */
  hash?: boolean;
}

/** Returns the reading options that runs and datasets store: those that can change the result. */
export function keptReading({ threads: _, engine, ...reading }: ReadOptions): Omit<ReadOptions, "threads"> {
  if (!engine) return reading;
  const { address, sql, order } = engine;
  return { ...reading, engine: { address, ...(sql !== undefined && { sql }), ...(order && { order }) } };
}

/** Whether the name of a log is a URI, a table or a query, which only an engine can read. */
export function isRemote(name: string): boolean {
  return /^([a-z][a-z0-9+.-]*:\/|table:|sql:)/i.test(name);
}

/** A group of whole records of an input that is read in groups (grouped-rows.ts). */
export interface HeldRows {
  /** u8: UTF-8, including the header line if there is one */
  bytes: Uint8Array;
  /** number of physical lines between the header of the input and the first row */
  linesBefore: number;
  /** for JSON lines: names of members of previous records, which may not occur in these records */
  columns: readonly string[];
}

/** The reading options that determine the content and names of cells regardless of the file; a run stores them. */
export type CellReading = Pick<
  ReadOptions,
  "nulls" | "columns" | "delimiter" | "decimal" | "thousands" | "keyCase"
>;

/** Delimiters that can be detected if the user gives none. */
export const FOUND_DELIMITERS: readonly string[] = [",", "\t", ";", "|"];

/**
 * Selects the members of TextOptions from reading options; a detected delimiter belongs to the file and is not
 * included.
 */
export function cellReadingOf({ nulls, columns, delimiter, keyCase, ...numbers }: CellReading): CellReading {
  const isNamed = delimiter !== undefined && !FOUND_DELIMITERS.includes(delimiter);
  return {
    ...(nulls && { nulls }),
    ...(columns && { columns }),
    ...(isNamed && { delimiter }),
    ...(keyCase && { keyCase }),
    ...numberFormOf(numbers),
  };
}

/** Selects the number format from reading options. */
export function numberFormOf({ decimal, thousands }: NumberForm): NumberForm {
  return { ...(decimal !== undefined && { decimal }), ...(thousands !== undefined && { thousands }) };
}

export const defaultReadOptions: ReadOptions = {
  header: true,
  onBadRow: "error",
  maxCell: 4 << 20,
  threads: 2,
};

/** Properties of an open log that only formats other than delimited text have. */
export function undelimited({
  nulls = [],
}: ReadOptions): Pick<Log, "nulls" | "numbers" | "delimiter" | "warnings" | "files"> {
  return { nulls, numbers: {}, delimiter: "", warnings: [], files: [] };
}

/** A requested column. It is read either as numbers or as keys, which become codes of a dictionary. */
export interface ColumnRequest {
  name: string;
  as: "key" | "number";
  /** true: the numbers are milliseconds since 1970; allowed for columns in Log.times only */
  isTime?: true;
  /** true: --key-case does not change these keys */
  keepsCase?: true;
}

/** A cell that is not a finite number in a column that was requested as numbers. Lines count from 1. */
export interface BadCell {
  /** number of the cell's row within the batch */
  row: number;
  /** index of the cell's column among the requested columns */
  request: number;
  file: string;
  line: number;
  text: string;
}

/** A bad row that was skipped, as text. Lines count from 1. */
export interface FaultyRow {
  file: string;
  line: number;
  reason: string;
  text: string;
}

/** Consecutive rows of the log. The receiver may use the arrays until `onBatch` has returned. */
export interface Batch {
  /** index of the first row in the whole log */
  firstRow: number;
  numRows: number;
  /**
   * the cells of the rows: one array per requested column, in the order of the requests, each with numRows entries. For
   * keys: u32 codes by first appearance in the whole log, and 0xffffffff for an empty cell. For numbers: f64, and NaN
   * for an empty or bad cell
   */
  columns: (Uint32Array | Float64Array)[];
  /** bad cells, ordered by row, then by requested column */
  badCells: BadCell[];
  /** skipped rows, ordered by line; empty unless keepBadRows is set. A batch may consist of skipped rows alone */
  faultyRows: FaultyRow[];
  /** returns the file and line of a row, for messages */
  placeOf(row: number): { file: string; line: number };
  /**
   * number of keys in the dictionary of each requested column after this batch (0 for numbers); keys from the number
   * after the previous batch on are new
   */
  sizes: number[];
  /** number of cells in all rows read so far that ReadOptions.nulls made missing, for each requested column */
  nulls: readonly NullCells[];
}

/** The progress of a reading, in bytes of the files as stored, which may be compressed. */
export interface ReadProgress {
  rows: number;
  bytes: number;
  totalBytes: number | undefined;
}

/** The columns that identify an event (--dedupe-by), and the number of rows that were dropped. */
export interface DroppedDuplicates {
  by: readonly string[];
  keep: "first" | "last";
  /** number of rows that were dropped */
  rows: number;
  /** number of rows that were kept because they lack a cell in one of the columns */
  withoutKey: number;
}

export interface ReadResult {
  numRows: number;
  /** the distinct keys of each requested column, by code; empty for a column of numbers */
  dictionaries: Keys[];
  inputs: InputFingerprint[];
  /** number of rows skipped by onBadRow, per reason */
  skipped: Record<string, number>;
  /** number of rows skipped by dedupe */
  repeats?: number;
  /** columns of --dedupe-by, and the number of rows that it dropped */
  droppedDuplicates?: DroppedDuplicates;
  /** warnings about the rows, one sentence each */
  warnings?: string[];
  /** number of skipped lines that repeat the header of their file */
  repeatedHeaders?: number;
  /** number of cells that `nulls` made missing, for each requested column */
  nulls: NullCells[];
}

export interface Log {
  columns: string[];
  /**
   * the first rows (at most 1,000) as text, for inference and display, followed by the first rows of files with further
   * columns
   */
  sample: string[][];
  /** true when the sample contains all rows of the log */
  sampleIsAll: boolean;
  /** the detected or given delimiter; empty if the format has none */
  delimiter: string;
  nulls: readonly string[];
  numbers: NumberForm;
  /** warnings about the files of the log, one sentence each */
  warnings: string[];
  /**
   * the files whose columns are known before reading, in order; empty if each row names its own columns (JSON lines)
   */
  files: readonly FileColumns[];
  /** columns whose cells hold several values according to the log's format, with the separator that joins the values */
  multi?: Record<string, string>;
  /** those columns of `multi` whose values have a number according to the log's format, written `key:number` */
  multiWeights?: string[];
  /** columns that identify an event (--dedupe-by); they become features only if an option names them */
  dedupedBy?: readonly string[];
  /** the case of --key-case; absent without the option */
  keyCase?: KeyCase;
  /** columns that hold times according to the log's format, so they may be requested as times */
  times?: ReadonlySet<string>;
  /** columns of 64-bit floating-point numbers according to the log's format */
  floats?: ReadonlySet<string>;
  /**
   * Reads every row once, in order, in batches of a few thousand to some hundred thousand rows.
   *
   * The same log gives the same codes at any number of threads. `onBatch` may look keys up in `keyOf` while reading.
   *
   * @throws {DataError} a row is malformed, with file and line (unless skipped); bad numbers are reported in the batch
   *   instead
   */
  read(
    requests: readonly ColumnRequest[],
    onBatch: (batch: Batch, keyOf: (request: number, code: number) => string) => void | Promise<void>,
    observe?: (progress: ReadProgress) => void,
  ): Promise<ReadResult>;
  /** Frees file handles and workers of a log that is not read to its end. */
  close(): Promise<void>;
}
