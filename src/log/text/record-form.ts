// The parts of a log format other than delimited text: records, and their cells as text.

import type { InputFingerprint } from "../../io/fingerprint.js";

/** The source of records, for the fingerprint and the progress. */
export interface RecordSource {
  readonly path: string;
  readonly bytesRead: number;
  readonly totalBytes: number | undefined;
  fingerprint(): InputFingerprint;
  close(): Promise<void>;
}

/** Consecutive records; lines count from 0 at the piece's start. In a format without lines, each record counts as one line. */
export interface RecordPiece<Rec> {
  records: Rec[];
  lines: number[];
  numLines: number;
}

/** One file, opened. */
export interface RecordFile<Rec> {
  source: RecordSource;
  pieces(): AsyncGenerator<RecordPiece<Rec>, void, undefined>;
}

/** The columns of a log. */
export interface Schema {
  columns: string[];
  /** columns whose cells hold several values by the format, with the separator that joins them as text */
  multi: Record<string, string>;
  /** columns of `multi` whose values have a number, `key:number`; none when absent */
  multiWeights?: string[];
}

/** A format of records; an instance belongs to one log. */
export interface RecordForm<Rec> {
  /** for messages: "expected ..." */
  expected: string;
  open(path: string): Promise<RecordFile<Rec>>;
  /** Determines the columns from the first records; malformed records are skipped. */
  schemaOf(records: readonly Rec[]): Schema;
  /** Returns a cell per column, empty if missing. @throws {RowFault} the record is malformed */
  cellsOf(record: Rec, schema: Schema): string[];
  /** Returns the record as it is in the file, for the report of bad rows. */
  textOf(record: Rec): string;
  /** Returns warnings after all records were read, one sentence each. */
  warnings?(): string[];
  /**
   * Announces the columns that will be read; the cells of others may be empty from now on. @throws {DataError} a file
   * lacks one of them
   */
  want?(columns: ReadonlySet<string>): void;
}

const indexes = new WeakMap<Schema, Map<string, number>>();

/** Returns the index of a column in a schema; -1 if it has no such column. */
export function columnIndex(schema: Schema, name: string): number {
  let index = indexes.get(schema);
  if (!index) indexes.set(schema, (index = new Map(schema.columns.map((column, i) => [column, i]))));
  return index.get(name) ?? -1;
}

/** The reason why a record is bad; it is caught where the file and line are known. */
export class RowFault extends Error {
  constructor(
    /** the reason under which ReadResult.skipped counts it */
    readonly reason: string,
    message: string,
    readonly column?: string,
  ) {
    super(message);
  }
}
