// Row filters of --drop: COLUMN OPERATOR TEXT, tested once for each distinct key.

import { UsageError } from "../../errors.js";

/** Rows whose cell of `column` matches are left out. */
export interface DropFilter {
  /** as the user wrote it */
  source: string;
  column: string;
  /** what cells are compared with, where it is one text */
  text?: string;
  /** the option that it comes from; --drop when absent */
  flag?: string;
  matches(cell: string): boolean;
}

const tests: Record<string, (cell: string, text: string) => boolean> = {
  "^=": (cell, text) => cell.startsWith(text),
  "$=": (cell, text) => cell.endsWith(text),
  "*=": (cell, text) => cell.includes(text),
  "!=": (cell, text) => cell !== text,
  "=": (cell, text) => cell === text,
};

/**
 * Reads `InvoiceNo^=C`: `=` equal, `!=` different, `^=` starts with, `$=` ends with, `*=` contains. An empty cell is the empty text.
 *
 * @throws {UsageError} there is no column or no operator in it
 */
export function parseDrop(source: string): DropFilter {
  const match = /^(.+?)(\^=|\$=|\*=|!=|=)(.*)$/su.exec(source);
  if (!match) {
    throw new UsageError(
      `--drop expects COLUMN OPERATOR TEXT such as 'InvoiceNo^=C' (operators = != ^= $= *=), got '${source}'`,
    );
  }
  const [, column = "", operator = "", text = ""] = match;
  const test = tests[operator]!;
  return { source, column, text, matches: (cell) => test(cell, text) };
}
