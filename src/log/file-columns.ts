// Maps the columns of a log to those of each file. Files of one log are matched by column name, so a file may have its
// columns in another order, and a column that a file lacks is missing in its rows. A column given by the path
// (`dt=2026-01-01/`) has the same cell in all rows of the file.

import { DataError } from "../base/errors.js";

/** Columns of a file, known before its rows are read. */
export interface FileColumns {
  path: string;
  /** column names in file order; "" for a duplicate name that is ignored */
  columns: readonly string[];
  /** columns given by the path of the file, with the cell that all rows of the file have in them */
  partition: Readonly<Record<string, string>>;
}

/** Positions of the requested columns among the cells of a file's rows. */
export interface ScanLayout {
  numColumns: number;
  /** index of the cell of each requested column; -1 if all rows of the file have the cell in `constants` */
  cells: number[];
  constants: string[];
  /** header of the file, which concatenated files repeat: its cells, and its line of text if no cell is quoted */
  header?: { cells: string[]; line: Uint8Array };
}

/** Returns the names of a file's columns that can be columns of a log. */
export function columnsIn({ columns, partition }: Omit<FileColumns, "path">): string[] {
  return [...columns.filter((name) => name !== ""), ...Object.keys(partition)];
}

/**
 * Returns the position of each requested column in a file.
 *
 * @param mayLack true if the file may lack columns, whose cells are then empty
 * @throws {DataError} the file lacks a requested column, which it must have
 */
export function columnPositions(
  { path, columns, partition }: FileColumns,
  names: readonly string[],
  mayLack = false,
): Pick<ScanLayout, "numColumns" | "cells" | "constants"> {
  const cells = placesAmong(columns, names);
  const constants = names.map((name, i) => {
    if (cells[i] !== -1) return "";
    if (mayLack || Object.hasOwn(partition, name)) return partitionCell(partition, name);
    throw lackingColumn({ path, columns, partition }, name);
  });
  return { numColumns: columns.length, cells, constants };
}

/** Returns the position of each name among the columns; -1 for a name that is not among them. */
function placesAmong(columns: readonly string[], names: readonly string[]): number[] {
  const places = new Map<string, number>();
  columns.forEach((column, c) => {
    if (!places.has(column)) places.set(column, c);
  });
  return names.map((name) => places.get(name) ?? -1);
}

/** Returns the error for a file that lacks a column which all of its rows need. */
export function lackingColumn({ path, ...file }: FileColumns, name: string): DataError {
  return new DataError(
    "the file lacks this column, which other files of the log have: its columns are " +
      `${columnsIn(file).join(", ")}. Exclude the column with --ignore ${name}`,
    { file: path, column: name },
  );
}

/** Returns the cells of a row in the order of the log's columns; cells of columns that the file lacks are empty. */
export function cellsInOrder(
  { columns, partition }: Omit<FileColumns, "path">,
  names: readonly string[],
): (cells: readonly string[]) => string[] {
  const places = placesAmong(columns, names);
  return (cells) => places.map((at, i) => (at === -1 ? partitionCell(partition, names[i]!) : cells[at]!));
}

/** Returns the cell of a column that the names of a file's folders give (`dt=2026-01-01`); empty if they give none. */
export function partitionCell(partition: FileColumns["partition"], name: string): string {
  return Object.hasOwn(partition, name) ? partition[name]! : "";
}

/** Returns a warning about lines that repeat the header of their file. */
export function repeatedHeaderNote(lines: number): string {
  return `skipped ${lines} repeated header ${lines === 1 ? "line" : "lines"}`;
}

/**
 * Returns the columns of a log: those of its files in order of appearance, then those of their paths.
 *
 * @throws {DataError} a file has no column in common with the files before it, for example because its delimiter
 * differs
 */
export function columnsOfFiles(files: readonly FileColumns[]): string[] {
  const names = new Set<string>();
  for (const file of files) {
    const own = columnsIn({ columns: file.columns, partition: {} });
    if (names.size > 0 && !own.some((name) => names.has(name)))
      throw new DataError(
        `the file has no column of the files before it (${[...names].join(", ")}): its columns are ` +
          `${own.join(", ")}; if the delimiter is wrong, set it with --delimiter`,
        { file: file.path },
      );
    for (const name of own) names.add(name);
  }
  return [...names, ...Object.keys(files[0]!.partition)];
}

/**
 * Returns a warning about each group of columns that the same files lack. Two groups are reported together if the files
 * that lack the first are exactly the files that have the second, because columns may have been renamed.
 *
 * @param used columns that are read; groups without one are not reported
 * @param rowsOf returns the number of rows of a file
 */
export function partialColumnWarnings(
  files: readonly FileColumns[],
  used: ReadonlySet<string>,
  rowsOf: (path: string) => number,
): string[] {
  if (files.every(({ columns }) => columns.join("\n") === files[0]!.columns.join("\n"))) return [];
  /** columns by the files that contain them: the key has one digit per file, 1 if the file contains the columns */
  const groups = new Map<string, string[]>();
  for (const name of columnsOfFiles(files)) {
    const has = files.map((file) => (columnsIn(file).includes(name) ? "1" : "0")).join("");
    groups.set(has, [...(groups.get(has) ?? []), name]);
  }
  const warnings: string[] = [];
  for (const [has, names] of groups) {
    const opposite = has.replaceAll(/[01]/g, (digit) => (digit === "1" ? "0" : "1"));
    const others = groups.get(opposite) ?? [];
    if (!has.includes("0") || ![...names, ...others].some((name) => used.has(name))) continue;
    const missing = (digit: string) => {
      const rows = sumOf(files.filter((_, i) => has[i] === digit).map(({ path }) => rowsOf(path)));
      return `missing in ${rows.toLocaleString("en")} ${rows === 1 ? "row" : "rows"}`;
    };
    const what = `${columnNames(names)} ${presence(files, has, names.length)}`;
    warnings.push(
      others.length === 0
        ? `${what}: ${missing("0")}`
        : `${what} (${missing("0")}), where there is ${columnNames(others)} (${missing("1")}): if a column was ` +
            "renamed, give it one name in all files",
    );
    groups.delete(opposite);
  }
  return warnings;
}

function presence(files: readonly FileColumns[], has: string, numColumns: number): string {
  const [exist, are] = numColumns === 1 ? ["exists", "is"] : ["exist", "are"];
  const change = has.startsWith("0") ? has.indexOf("1") : has.indexOf("0");
  const { path } = files[change]!;
  if (/^0+1+$/.test(has)) return `${exist} from '${path}' on`;
  if (/^1+0+$/.test(has)) return `${are} gone from '${path}' on`;
  const lacking = has.split("0").length - 1;
  return `${are} missing in ${lacking} of ${files.length} files, such as '${files[has.indexOf("0")]!.path}'`;
}

function columnNames(names: readonly string[]): string {
  return `${names.length === 1 ? "column" : "columns"} ${names.map((name) => `'${name}'`).join(", ")}`;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

/**
 * Checks the columns that the folders of a file give (`dt=2026-01-01`). @throws {DataError} the file has them, too, or
 * the first file's path gives others
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
