// What goes where: results to stdout, everything else to stderr.
//
// Names of columns, keys and files come from whoever made the log. All text passes here, and no name in it steers the terminal,
// reorders a line or looks like a line of its own.

import type { WriteStream } from "node:tty";
import { printable, shortened, visibleText } from "../errors.js";

const decoder = new TextDecoder();

let opened: WriteStream | undefined;

/** Standard error. It is opened when it is first asked for, as that takes a while. */
export function standardError(): WriteStream {
  return opened ?? process.stderr;
}

/** Has another stream be standard error: what a thread is given in its place knows no terminal. */
export function standardErrorIs(stream: WriteStream): void {
  opened = stream;
}

/**
 * Writes a result: text, or the bytes of an export, which stay as they are in a file and a pipe and are shown as text on a terminal.
 *
 * Resolves when it is taken, so that a slow reader holds the writer back.
 */
export function writeResult(chunk: string | Uint8Array): Promise<void> {
  const asText = typeof chunk !== "string" && process.stdout.isTTY;
  const result = asText ? decoder.decode(chunk, { stream: true }) : chunk;
  return new Promise((resolve) => {
    if (process.stdout.write(typeof result === "string" ? visibleText(result) : result)) resolve();
    else process.stdout.once("drain", resolve);
  });
}

let write = (text: string): void => void standardError().write(text);

/** Has lines for a person written by another thread: a thread's own stream keeps the second until its event loop turns. */
export function writeLinesBy(other: (text: string) => void): void {
  if (!standardError().isTTY) write = other;
}

/** Writes text for a person, as it is. */
export function writeText(text: string): void {
  write(text);
}

/** Writes a line for a person; what follows a line end is indented. */
export function writeLine(text: string): void {
  write(`${visibleText(shortened(text)).replaceAll(/\n(?! )/g, "\n  ")}\n`);
}

/** Writes a line for a collector of logs: an object as JSON. */
export function writeJsonLine(value: object): void {
  const short = (_: string, inner: unknown) => (typeof inner === "string" ? shortened(inner) : inner);
  write(`${visibleText(JSON.stringify(value, short))}\n`);
}

/** Writes an error, as a line for a person or as one JSON object. @param facts for JSON: the class of the error, and its place */
export function writeError(text: string, format: "text" | "json" = "text", facts: object = {}): void {
  if (format === "json") writeJsonLine({ stage: "error", text, ...facts });
  else writeLine(`embed: ${text}`);
}

/** Rows of cells in aligned columns, each on one line; numbers to the right. */
export function formatTable(cells: string[][]): string {
  const rows = cells.map((row) => row.map(printable));
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  const isNumber = (cell: string) => /^[-+]?[\d.,]+%?$/.test(cell);
  return rows
    .map((row) =>
      row
        .map((cell, c) => (isNumber(cell) ? cell.padStart(widths[c]!) : cell.padEnd(widths[c]!)))
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}
