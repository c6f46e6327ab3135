// Finds lines inside a log that repeat its header, as in concatenated files.
//
// Buffer.indexOf searches like Horspool's algorithm: it compares the last byte at each candidate position, and advances
// by the length of the header if the header does not contain this byte. Most bytes of rows do not occur in the header.
// A log without such lines costs 5 ms per 100 MB.

import { DataError, type Place } from "../../base/errors.js";
import { countLines } from "./records.js";

const [NEWLINE, RETURN] = [0x0a, 0x0d];
/** The byte-order mark that may precede the headers of concatenated files. */
const MARK = [0xef, 0xbb, 0xbf];
/** Number of bytes at the end of the header that are searched for; it bounds the search time for a hostile header. */
const MOST_SOUGHT = 64;

export function isHeader(cells: readonly string[], header: readonly string[]): boolean {
  if (cells.length !== header.length) return false;
  return cells.every((cell, i) => cell === header[i] || (i === 0 && cell === `\uFEFF${header[0]}`));
}

/** A line with the cells of the header in another order, as in concatenated files with different columns. */
export interface ReorderedLine {
  /** number of the line in the chunk, from 0 */
  line: number;
  cells: readonly string[];
  header: readonly string[];
}

export function isReordered(cells: readonly string[], header: readonly string[]): boolean {
  // most rows have another number of characters than the header, so that their cells need not be sorted
  if (cells.length !== header.length || !haveLengthOf(cells, header) || isHeader(cells, header)) return false;
  const names = withoutMark(cells).sort();
  return [...header].sort().every((name, i) => name === names[i]);
}

/** Whether cells have as many characters as the header in total; a byte-order mark may precede them. */
function haveLengthOf(cells: readonly string[], header: readonly string[]): boolean {
  let rest = cells[0]?.startsWith("\uFEFF") ? -1 : 0;
  for (let i = 0; i < cells.length; i++) rest += cells[i]!.length - header[i]!.length;
  return rest === 0;
}

function withoutMark([first = "", ...others]: readonly string[]): string[] {
  return [first.replace(/^\uFEFF/u, ""), ...others];
}

export function reorderedHeader(
  { cells, header }: Pick<ReorderedLine, "cells" | "header">,
  place: Place,
): DataError {
  return new DataError(
    `the line has the header's names in another order (${withoutMark(cells).join(", ")} instead of ` +
      `${header.join(", ")}): a file with other columns seems to begin here; name the files one by one, so that ` +
      "columns are matched by name",
    place,
  );
}

/**
 * Finds the first line without a quoted cell that has the cells of a header in another order.
 *
 * @param bytes u8: whole records, the last byte a newline
 * @param quoted runs of records with a quoted cell: alternating starts and ends, ascending
 */
export function reorderedLine(
  bytes: Uint8Array,
  quoted: readonly number[],
  header: readonly string[],
  delimiter: string,
): ReorderedLine | undefined {
  const length = Buffer.byteLength(header.join(delimiter), "utf8");
  const bounds = [0, ...quoted, bytes.length];
  for (let run = 0; run < bounds.length; run += 2) {
    for (let start = bounds[run]!; start < bounds[run + 1]!;) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = bytes[newline - 1] === RETURN ? newline - 1 : newline;
      // a byte-order mark may precede the line
      if (end - start === length || end - start === length + MARK.length) {
        const cells = Buffer.from(bytes.subarray(start, end)).toString("utf8").split(delimiter);
        if (isReordered(cells, header)) return { line: countLines(bytes, 0, start), cells, header };
      }
      start = newline + 1;
    }
  }
  return undefined;
}

/**
 * Finds lines that equal the given line, optionally preceded by a byte-order mark.
 *
 * @param bytes u8: whole lines, the last byte a newline
 * @param line u8, without the line end; not empty
 * @returns positions in ascending order; `end` is the index after the newline
 */
export function linesLike(bytes: Uint8Array, line: Uint8Array): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  const searched = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const sought = line.subarray(Math.max(0, line.length - MOST_SOUGHT));
  for (let at = searched.indexOf(sought); at !== -1; at = searched.indexOf(sought, at + 1)) {
    const last = at + sought.length - 1;
    const end = bytes[last + 1] === RETURN ? last + 2 : last + 1;
    const from = last + 1 - line.length;
    if (bytes[end] !== NEWLINE) {
      // the next line that can equal the given one ends at the next newline; long runs of one byte are thus skipped
      const newline = searched.indexOf(NEWLINE, last + 1);
      if (newline === -1) break;
      at = Math.max(at, newline - 2 - sought.length);
      continue;
    }
    if (from < 0) continue;
    const isMarked = from >= 3 && MARK.every((byte, i) => bytes[from - 3 + i] === byte);
    const start = isMarked ? from - 3 : from;
    if (start > 0 && bytes[start - 1] !== NEWLINE) continue;
    if (line.every((byte, i) => bytes[from + i] === byte)) found.push({ start, end: end + 1 });
  }
  return found;
}
