// What a form of log other than delimited text is made of: records, and the cells that they hold as text.

import type { InputFingerprint } from "../../io/fingerprint.js";

/** What is read from, as the fingerprint and the progress need it. */
export interface RecordSource {
  readonly path: string;
  readonly bytesRead: number;
  readonly totalBytes: number | undefined;
  fingerprint(): InputFingerprint;
  close(): Promise<void>;
}

/** Consecutive records; lines count from 0 at the piece's start. In a form without lines a record is one. */
export interface Piece<Rec> {
  records: Rec[];
  lines: number[];
  numLines: number;
}

/** One file, opened. */
export interface RecordFile<Rec> {
  source: RecordSource;
  pieces(): AsyncGenerator<Piece<Rec>, void, undefined>;
}

/** The columns of a log. */
export interface Schema {
  columns: string[];
  /** columns whose cells hold several values by the form itself, with the separator that joins them as text */
  multi: Record<string, string>;
  /** columns of these whose values carry a number, `key:number`; none when absent */
  multiWeights?: string[];
}

/** A form of log; it belongs to one log. */
export interface RecordForm<Rec> {
  /** for messages: "expected ..." */
  expected: string;
  open(path: string): Promise<RecordFile<Rec>>;
  /** The columns by the first records; those that are malformed are left out. */
  schemaOf(records: readonly Rec[]): Schema;
  /** A cell for each column, empty where missing. @throws {RowFault} the record is malformed */
  cellsOf(record: Rec, schema: Schema): string[];
  /** The record as it stands there, for the report of bad rows. */
  textOf(record: Rec): string;
  /** What a user should know once all is read, a sentence each. */
  warnings?(): string[];
  /** What is going to be read of the rest; the cells of other columns may be empty. @throws {DataError} a file lacks one of them */
  want?(columns: ReadonlySet<string>): void;
}

const indexes = new WeakMap<Schema, Map<string, number>>();

/** The index of a column in a schema; -1: it has none of that name. */
export function columnIndex(schema: Schema, name: string): number {
  let index = indexes.get(schema);
  if (!index) indexes.set(schema, (index = new Map(schema.columns.map((column, i) => [column, i]))));
  return index.get(name) ?? -1;
}

/** Why a record cannot be used: caught where its file and line are known. */
export class RowFault extends Error {
  constructor(
    /** as ReadResult.skipped counts it */
    readonly reason: string,
    message: string,
    readonly column?: string,
  ) {
    super(message);
  }
}
