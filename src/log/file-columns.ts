// Maps the columns of a log to those of each file. Files of one log are matched by column name, so a file may have its
// columns in another order and may lack columns that are not read. A column given by the path (`dt=2026-01-01/`) has
// the same cell in all rows of the file.

import { DataError } from "../errors.js";

/** Columns of a file, known before its rows are read. */
export interface FileColumns {
  path: string;
  /** column names in file order; "" for a duplicate name that is ignored */
  columns: readonly string[];
  /** columns given by the path, with the cell of all rows */
  partition: Readonly<Record<string, string>>;
}

/** Where the scanners find the requested columns in the chunks of a file. */
export interface ScanLayout {
  /** number of cells in a row */
  numColumns: number;
  /** cell index per request; -1 if all rows have the cell in `constants` */
  cells: number[];
  constants: string[];
  /** the file's header, which concatenated files repeat: its cells, and its line if no cell is quoted */
  header?: { cells: string[]; line: Uint8Array };
}

/** Returns the names of a file's columns that can be columns of a log. */
export function columnsIn({ columns, partition }: Omit<FileColumns, "path">): string[] {
  return [...columns.filter((name) => name !== ""), ...Object.keys(partition)];
}

/**
 * Returns the position of each requested column in a file.
 *
 * @throws {DataError} the file lacks a requested column
 */
export function columnPositions(
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

/** Returns the cells of a row in the order of the log's columns; cells of columns that the file lacks are empty. */
export function cellsInOrder(
  { columns, partition }: Omit<FileColumns, "path">,
  names: readonly string[],
): (cells: readonly string[]) => string[] {
  const places = names.map((name) => columns.indexOf(name));
  return (cells) => places.map((at, i) => (at === -1 ? partitionCell(partition, names[i]!) : cells[at]!));
}

/** Returns the cell that a file's folders give to a column, or an empty cell if they give none. */
export function partitionCell(partition: FileColumns["partition"], name: string): string {
  return Object.hasOwn(partition, name) ? partition[name]! : "";
}

/** Returns a warning about lines that repeat the header of their file. */
export function repeatedHeaderNote(lines: number): string {
  return `skipped ${lines} repeated header ${lines === 1 ? "line" : "lines"}`;
}

/**
 * Columns of later files that the first file lacks, with a file that has the column and one that lacks it. They are not
 * read, because the first file determines the columns of a log.
 */
export type LaterColumns = ReadonlyMap<string, { has: string; lacks: string }>;

export function laterColumnsOf(first: FileColumns, others: readonly FileColumns[]): LaterColumns {
  const known = new Set(columnsIn(first));
  const later = new Map<string, { has: string; lacks: string }>();
  for (const file of others)
    for (const name of columnsIn(file))
      if (!known.has(name) && !later.has(name)) later.set(name, { has: file.path, lacks: first.path });
  return later;
}

/** Returns a warning about these columns, or nothing. @param ignored columns that the user excludes */
export function laterColumnWarnings(later: LaterColumns, ignored: readonly string[] = []): string[] {
  const reported = [...later].filter(([name]) => !ignored.includes(name));
  const named = reported.map(([name, { has }]) => `'${name}' (in '${has}')`);
  const [{ lacks } = { lacks: "" }] = later.values();
  return named.length === 0 ? [] : [`ignored columns missing from '${lacks}': ${named.join(", ")}`];
}

/**
 * @throws {DataError} the path gives a column that the file also has, or the path gives other columns than the first
 * file's path
 */
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
