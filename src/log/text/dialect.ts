// Determines the delimiter, the header and the encoding of a file from its first bytes.

import { isUtf8 } from "node:buffer";
import { DataError, NoRowsError, UsageError, excerpt } from "../../base/errors.js";
import { checkColumnCount, maxRowBytes, rowTooLarge } from "../limits.js";
import { FOUND_DELIMITERS, type ReadOptions } from "../log.js";
import { countLines, recordEnd, startsComment, decodedUtf8, type Dialect } from "./records.js";
import { asWritten, checkedDelimiter } from "./separator.js";
import { forEachRow } from "./text-rows.js";

/**
 * Returns the delimiter of a file: the option if given; else a tab for .tsv; else the candidate that splits the header
 * line into the largest number of cells (a comma if several do).
 *
 * @throws {UsageError} the option is not a valid delimiter
 */
function delimiterOf(
  path: string,
  headerLine: Uint8Array,
  options: ReadOptions,
): Pick<Dialect, "delimiter" | "written"> {
  if (options.delimiter !== undefined) return checkedDelimiter(options.delimiter);
  if (/\.(tsv|tab)(\.gz|\.zst)?$/i.test(path)) return { delimiter: "\t" };
  let best = ",";
  let most = 1;
  for (const delimiter of FOUND_DELIMITERS) {
    const cells = recordCells(headerLine, { delimiter, comment: undefined, maxCell: options.maxCell }).length;
    if (cells > most) [best, most] = [delimiter, cells];
  }
  return { delimiter: best };
}

/** @throws {UsageError} the comment mark is ambiguous, because it could be the start of a cell, a row or a line end */
function checkComment(comment: string | undefined, delimiter: string): void {
  if (comment === undefined) return;
  if (comment === "" || /["\r\n]/.test(comment) || comment.includes(delimiter)) {
    throw new UsageError(
      `--comment must not be empty or contain a quote, a line end or the delimiter, got ${excerpt(comment)}`,
    );
  }
}

/** The part of a file before its first row. */
export interface FileHead {
  dialect: Dialect;
  /** names of the columns; c0, c1, ... if the file has no header; "" for a duplicate name that is ignored */
  columns: string[];
  /** cells of the header, or the names of --columns; undefined if there is neither */
  header?: string[];
  /** number of bytes before the first row */
  bytes: number;
  /** number of physical lines before the first row */
  lines: number;
}

/**
 * Reads the part of a file before its first row; returns undefined if more bytes are needed.
 *
 * @param bytes u8: the file's first bytes, decoded to UTF-8, without a byte-order mark
 * @param ended true if `bytes` is the whole file; its last line then ends with a newline
 * @throws {DataError} the file is empty, not UTF-8, or has two columns of the same name
 */
export function readHead(
  path: string,
  bytes: Uint8Array,
  ended: boolean,
  options: ReadOptions,
): FileHead | undefined {
  const start = firstLine(bytes, options.comment);
  const newline = start === -1 ? -1 : bytes.indexOf(0x0a, start);
  if (newline === -1) {
    if (ended)
      throw new DataError("the file is empty: expected a header line and rows", { file: path, line: 1 });
    if (bytes.length > maxRowBytes(options)) throw rowTooLarge("first line", path, 1, options);
    return undefined;
  }
  const line = countLines(bytes, 0, start) + 1;
  checkUtf8(bytes.subarray(start, newline), path, line, options.encoding);
  const separator = delimiterOf(path, bytes.subarray(start, newline + 1), options);
  checkComment(options.comment, separator.written ?? separator.delimiter);
  const dialect = { ...separator, comment: options.comment, maxCell: options.maxCell };

  const { end, openQuote } = recordEnd(bytes, start, dialect);
  if (end === -1) {
    if (!ended && bytes.length - start <= options.maxCell) return undefined;
    throw unclosedQuote(path, line + countLines(bytes, start, Math.max(start, openQuote)), options.maxCell);
  }
  checkUtf8(bytes.subarray(start, end), path, line, options.encoding);
  if (end - start > maxRowBytes(options)) throw rowTooLarge("first line", path, line, options);
  const cells = recordCells(bytes.subarray(start, end), dialect);
  checkColumnCount(cells.length, path, line);
  if (options.columns) {
    const columns = namedColumns(options.columns, cells, { file: path, line });
    return { dialect, columns, header: columns, bytes: start, lines: line - 1 };
  }
  if (!options.header) {
    return { dialect, columns: cells.map((_, i) => `c${i}`), bytes: start, lines: line - 1 };
  }
  const columns = distinctColumns(cells, { file: path, line }, options.ignore);
  return { dialect, columns, header: cells, bytes: end, lines: line - 1 + countLines(bytes, start, end) };
}

/** @throws {DataError} the first row has more or fewer cells than there are names */
function namedColumns(
  names: readonly string[],
  cells: readonly string[],
  place: { file: string; line: number },
): string[] {
  if (names.length === cells.length) return [...names];
  const found = `${cells.length} ${cells.length === 1 ? "cell" : "cells"}`;
  const hint = cells.length === 1 ? ": set the delimiter with --delimiter" : "";
  throw new DataError(
    `--columns names ${names.length} columns, but the first row has ${found}${hint}`,
    place,
  );
}

/** Returns a header's names; "" for an ignored duplicate. @throws {DataError} two others have the same name */
function distinctColumns(
  cells: readonly string[],
  place: { file: string; line: number },
  ignore: readonly string[] = [],
): string[] {
  const columns = cells.map((name, i) => name.trim() || `c${i}`);
  const seen = new Map<string, number>();
  for (const [i, name] of columns.entries()) {
    const first = seen.get(name);
    if (first === undefined) seen.set(name, i);
    else if (ignore.includes(name)) columns[i] = "";
    else
      throw new DataError(
        `columns ${first + 1} and ${i + 1} have the same name: rename one of them, or exclude both with ` +
          `--ignore ${name}`,
        { ...place, column: name },
      );
  }
  return columns;
}

/** Returns the index of the first line that is neither blank nor a comment; -1 if the bytes contain no such line. */
function firstLine(bytes: Uint8Array, comment: string | undefined): number {
  for (let at = 0; at < bytes.length;) {
    const newline = bytes.indexOf(0x0a, at);
    const isBlank = newline === at || (newline === at + 1 && bytes[at] === 0x0d);
    const isComment = startsComment(bytes, at, { delimiter: ",", comment, maxCell: 0 });
    if (newline === -1) return isComment ? -1 : at;
    if (!isBlank && !isComment) return at;
    at = newline + 1;
  }
  return -1;
}

function recordCells(record: Uint8Array, dialect: Dialect): string[] {
  let cells: string[] = [];
  forEachRow(record, { ...dialect, comment: undefined }, (row) => {
    cells = row.cells;
    return false;
  });
  return cells;
}

function checkUtf8(bytes: Uint8Array, path: string, line: number, encoding: string | undefined): void {
  if (isUtf8(bytes)) return;
  throw notUtf8(path, line + firstBadLine(bytes), encoding);
}

/** Returns the number of the first line, from 0, whose bytes are not UTF-8. */
export function firstBadLine(bytes: Uint8Array): number {
  let line = 0;
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, start) + 1 || bytes.length;
    if (!isUtf8(bytes.subarray(start, end))) return line;
    start = end;
  }
  return line;
}

export function notUtf8(path: string, line: number, encoding: string | undefined): DataError {
  return new DataError(
    `invalid ${encoding ?? "UTF-8"} bytes: set the file's encoding, such as --encoding windows-1252, ` +
      "utf-16le or gb18030",
    { file: path, line },
  );
}

export function unclosedQuote(path: string, line: number, maxCell: number): DataError {
  return new DataError(
    `unterminated quoted cell: expected a closing quote before the end of the file and within ${maxCell} ` +
      "bytes (--max-cell), followed by a delimiter or a line end",
    { file: path, line },
  );
}

export function rowExcerpt(bytes: Uint8Array, dialect: Pick<Dialect, "written">): string {
  return excerpt(asWritten(decodedUtf8(bytes.subarray(0, 400)).replace(/\r?\n?$/, ""), dialect));
}

export function noRows(path: string): DataError {
  return new NoRowsError("the file has a header but no rows", {
    file: path,
    line: 1,
  });
}
