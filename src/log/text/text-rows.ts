// Splits whole records into cells with papaparse, which parses headers, samples and every chunk with a quoted cell. The
// scanner (chunk-scanner.ts) parses other chunks faster, with the same result.
//
// Pitfalls of papaparse that are avoided here: delimiter and line end are always passed, because guessing them merges
// rows; the class Parser is used, because Papa.parse strips a byte-order mark, which is data inside a log; text that
// ends with \n gives one extra row.

import Papa from "papaparse";
import { asWritten } from "./separator.js";
import { decodedUtf8, withoutReturns, type Dialect } from "./records.js";

export interface TextRow {
  cells: string[];
  /** number of the physical line on which the record starts, from 0 at the start of the bytes */
  line: number;
  /** line, from 0, with a quote that is not closed correctly; -1 if there is none */
  malformedQuote: number;
}

/**
 * Calls `onRow` with each record and its raw text without the line end, until `onRow` returns false; blank lines and
 * comments are skipped.
 *
 * @param bytes u8: whole records, valid UTF-8, the last byte a newline
 * @returns the number of physical lines processed
 */
export function forEachRow(
  bytes: Uint8Array,
  dialect: Dialect,
  onRow: (row: TextRow, source: () => string) => boolean | void,
): number {
  const text = decodedUtf8(withoutReturns(bytes, dialect));
  let start = 0;
  let end = 0;
  let line = 0;
  const source = () => asWritten(text.slice(start, end).replace(/\n$/, ""), dialect);
  const parser = new Papa.Parser({
    delimiter: dialect.delimiter,
    newline: "\n",
    comments: dialect.comment ?? false,
    step({ data, errors, meta }: Papa.ParseStepResult<string[][]>) {
      // papaparse silently skips comments before this row, so their lines are counted here
      start = skipComments(text, start, dialect, () => line++);
      end = meta.cursor;
      const isBlank = start === text.length || text[start] === "\n";
      const malformedQuote =
        errors.length === 0 ? -1 : line + countNewlines(text, start, errors[0]!.index ?? start);
      const cells =
        dialect.written === undefined ? data[0]! : data[0]!.map((cell) => asWritten(cell, dialect));
      if (!isBlank && onRow({ cells, line, malformedQuote }, source) === false) parser.abort();
      line += countNewlines(text, start, end);
      start = end;
    },
  });
  parser.parse(text, 0, false);
  return line + countNewlines(text, start, text.length);
}

function skipComments(text: string, start: number, { comment }: Dialect, onLine: () => void): number {
  if (comment === undefined) return start;
  let at = start;
  while (text.startsWith(comment, at)) {
    const newline = text.indexOf("\n", at);
    if (newline === -1) return at;
    onLine();
    at = newline + 1;
  }
  return at;
}

function countNewlines(text: string, from: number, to: number): number {
  let lines = 0;
  for (let at = text.indexOf("\n", from); at !== -1 && at < to; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}
