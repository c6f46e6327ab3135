// Interface of a log format other than delimited text, which supplies records and their cells as text.

import type { ByteSource } from "../../base/io/source.js";

/** A source of records, with the data for its fingerprint and the progress. */
export type RecordSource = Omit<ByteSource, "pieces">;

/** Consecutive records. Lines are counted from 0 at the piece's start; without lines, each record is one. */
export interface RecordPiece<Rec> {
  records: Rec[];
  lines: number[];
  numLines: number;
}

export interface RecordFile<Rec> {
  source: RecordSource;
  pieces(): AsyncGenerator<RecordPiece<Rec>, void, undefined>;
}

export interface Schema {
  columns: string[];
  /** columns whose cells hold several values, with the separator that joins the values as text */
  multi: Record<string, string>;
  /** those columns of `multi` whose values have a number, written `key:number`; none when absent */
  multiWeights?: string[];
}

/** A format whose files consist of records. Each log has its own instance. */
export interface RecordForm<Rec> {
  /** what a record must be, for messages: "expected ..." */
  expected: string;
  open(path: string): Promise<RecordFile<Rec>>;
  /** Determines the columns from the first records; malformed records are skipped. */
  schemaOf(records: readonly Rec[]): Schema;
  /** Returns a record's cells, one per column, empty if missing. @throws {RowFault} the record is malformed */
  cellsOf(record: Rec, schema: Schema): string[];
  /** Returns the record as it is in the file, for the report of bad rows. */
  textOf(record: Rec): string;
  /** Returns the warnings after all records were read, one sentence each. */
  warnings?(): string[];
  /** Tells which columns will be read; others may be empty from now on. @throws {DataError} a file lacks one */
  want?(columns: ReadonlySet<string>): void;
}

const indexes = new WeakMap<Schema, Map<string, number>>();

/** Returns the index of a column in a schema; -1 if it has no such column. */
export function columnIndex(schema: Schema, name: string): number {
  let index = indexes.get(schema);
  if (!index) indexes.set(schema, (index = new Map(schema.columns.map((column, i) => [column, i]))));
  return index.get(name) ?? -1;
}

/** The reason why a record is bad; the caller that knows the file and the line catches it. */
export class RowFault extends Error {
  constructor(
    /** the name of the reason in ReadResult.skipped */
    readonly reason: string,
    message: string,
    readonly column?: string,
  ) {
    super(message);
  }
}
