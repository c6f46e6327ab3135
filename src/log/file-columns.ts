// Where a file has the log's columns. Files of one log are matched by name: their columns may stand in another order, and one
// that nobody reads may be missing; what the path says of a file (`dt=2026-01-01/`) is a column of all its rows.

import { DataError } from "../errors.js";

/** What is known of a file before its rows. */
export interface FileColumns {
  path: string;
  /** names of its columns in their order; "" for one that is left out, as its name stands there twice */
  columns: readonly string[];
  /** columns that the path states, with the cell of all rows */
  partition: Readonly<Record<string, string>>;
}

/** Where the scanners find what is asked for in the chunks of a file. */
export interface ScanLayout {
  /** cells of a row */
  numColumns: number;
  /** one a request: the index of its cell; -1: all rows have the cell in `constants` */
  cells: number[];
  constants: string[];
  /** the file's header, which streams of several files repeat: its cells, and its line where none is quoted */
  header?: { cells: string[]; line: Uint8Array };
}

/** The names of a file's columns that a log can have. */
export function columnsIn({ columns, partition }: Omit<FileColumns, "path">): string[] {
  return [...columns.filter((name) => name !== ""), ...Object.keys(partition)];
}

/**
 * Where a file has the columns of requests.
 *
 * @throws {DataError} it lacks one of them
 */
export function placesOf(
  { path, columns, partition }: FileColumns,
  names: readonly string[],
): Pick<ScanLayout, "numColumns" | "cells" | "constants"> {
  const cells = names.map((name) => columns.indexOf(name));
  const constants = names.map((name, i) => {
    if (cells[i] !== -1) return "";
    if (Object.hasOwn(partition, name)) return partition[name]!;
    const own = columnsIn({ columns, partition });
    const hint = own.length === 1 ? "; if the delimiter is wrong, set it with --delimiter" : "";
    throw new DataError(
      "the file lacks this column, which other files of the log have: its columns are " +
        `${own.join(", ")}${hint}. Exclude the column with --ignore ${name}`,
      { file: path, column: name },
    );
  });
  return { numColumns: columns.length, cells, constants };
}

/** Cells of a row of the file in the order of the log's columns, empty where the file has none. */
export function cellsInOrder(
  { columns, partition }: Omit<FileColumns, "path">,
  names: readonly string[],
): (cells: readonly string[]) => string[] {
  const places = names.map((name) => columns.indexOf(name));
  return (cells) => places.map((at, i) => (at === -1 ? partitionCell(partition, names[i]!) : cells[at]!));
}

/** The cell that a file's folders give to a column; empty where they give none. */
export function partitionCell(partition: FileColumns["partition"], name: string): string {
  return Object.hasOwn(partition, name) ? partition[name]! : "";
}

/** A sentence about lines that repeat the header of their file. */
export function repeatedHeaderNote(lines: number): string {
  return `skipped ${lines} repeated header ${lines === 1 ? "line" : "lines"}`;
}

/** Columns that later files have and the first has not, with both files: nobody reads them, as columns are known by the first. */
export type LaterColumns = ReadonlyMap<string, { has: string; lacks: string }>;

export function laterColumnsOf(first: FileColumns, others: readonly FileColumns[]): LaterColumns {
  const known = new Set(columnsIn(first));
  const later = new Map<string, { has: string; lacks: string }>();
  for (const file of others)
    for (const name of columnsIn(file))
      if (!known.has(name) && !later.has(name)) later.set(name, { has: file.path, lacks: first.path });
  return later;
}

/** A sentence about them, or none. @param ignored columns that the user leaves out */
export function laterColumnWarnings(later: LaterColumns, ignored: readonly string[] = []): string[] {
  const reported = [...later].filter(([name]) => !ignored.includes(name));
  const named = reported.map(([name, { has }]) => `'${name}' (in '${has}')`);
  const [{ lacks } = { lacks: "" }] = later.values();
  return named.length === 0 ? [] : [`ignored columns missing from '${lacks}': ${named.join(", ")}`];
}

/** @throws {DataError} a file's path states a column that the file has too, or other columns than the first one's */
export function checkPartition(first: FileColumns, { path, columns, partition }: FileColumns): void {
  const both = Object.keys(partition).find((name) => columns.includes(name));
  if (both !== undefined)
    throw new DataError(`column '${both}' is both in the file and in its path: rename one of them`, {
      file: path,
      column: both,
    });
  const [own, expected] = [Object.keys(partition).join(", "), Object.keys(first.partition).join(", ")];
  if (own === expected) return;
  throw new DataError(
    `the path defines ${own === "" ? "no column" : own}, but that of '${first.path}' defines ` +
      `${expected === "" ? "none" : expected}: all files of a log must have the same partition folders`,
    { file: path },
  );
}
