// Writes results to standard output, and all other text to standard error.
//
// Names of columns, keys and files come from the log, which may be hostile. All text passes through here, so that no
// name in it controls the terminal, reorders a line or looks like a separate line.

import type { WriteStream } from "node:tty";
import { countText, printable, shortened, visibleText } from "../../base/errors.js";
import type { ReadingStep } from "../../dataset/dataset.js";

const decoder = new TextDecoder();

let opened: WriteStream | undefined;

/** Returns standard error, which is opened on first use because opening takes time. */
export function standardError(): WriteStream {
  return opened ?? process.stderr;
}

/** Replaces standard error, because the stream of a command's thread does not know the terminal. */
export function standardErrorIs(stream: WriteStream): void {
  opened = stream;
}

/**
 * Writes a result: text, or the bytes of an export, which are shown as text on a terminal. Resolves when the result is
 * taken, so that a slow reader slows the writer down.
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

/** Lets another thread write lines, because a thread's own stream delays them until its event loop runs. */
export function writeLinesBy(other: (text: string) => void): void {
  if (!standardError().isTTY) write = other;
}

/** Writes text to standard error unchanged. */
export function writeText(text: string): void {
  write(text);
}

/** Writes a line for people; text after a line end is indented. */
export function writeLine(text: string): void {
  write(`${visibleText(shortened(text)).replaceAll(/\n(?! )/g, "\n  ")}\n`);
}

/** Writes an object as a line of JSON, for a collector of logs. */
export function writeJsonLine(value: object): void {
  const short = (_: string, inner: unknown) => (typeof inner === "string" ? shortened(inner) : inner);
  write(`${visibleText(JSON.stringify(value, short))}\n`);
}

/** Writes an error as a line for people or as one JSON object. @param facts class and place, for JSON */
export function writeError(text: string, format: "text" | "json" = "text", facts: object = {}): void {
  if (format === "json") writeJsonLine({ stage: "error", text, ...facts });
  else writeLine(`embed: ${text}`);
}

/** Formats the steps of reading as a table; empty if all rows of the log were read, and none was to be left out. */
export function formatSteps(steps: readonly ReadingStep[]): string {
  const isPlain = ({ step, before, after }: ReadingStep) =>
    step === "split" || step === "part" || (step === "read" && before === after);
  if (steps.every(isPlain)) return "";
  const lines = steps.map(({ step, by, before, after }) => {
    const title = step === "weight" ? `weight 0 (${by})` : (by ?? step);
    return [title, countText(after), countText(before - after)];
  });
  return `${formatTable([["step", "rows", "left out"], ...lines])}\n`;
}

export function stepLines(steps: readonly ReadingStep[] = []): string[] {
  return formatSteps(steps).split("\n").slice(0, -1);
}

/** Formats rows of cells in aligned columns, each on one line; numbers are right-aligned. */
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
