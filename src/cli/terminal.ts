// What goes where: results to stdout, everything else to stderr.

/** Writes a result; resolves when it is taken, so that a slow reader holds the writer back. */
export function writeResult(chunk: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (process.stdout.write(chunk)) resolve();
    else process.stdout.once("drain", resolve);
  });
}

/** Writes a line for a person. */
export function writeLine(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Writes an error, as a line for a person or as one JSON object. */
export function writeError(text: string, format: "text" | "json" = "text"): void {
  writeLine(format === "json" ? JSON.stringify({ stage: "error", text }) : `embed: ${text}`);
}

/** A key on one line: control characters, which may steer a terminal, are spaces. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, " ");
}

/** Rows of cells in aligned columns; numbers to the right. */
export function formatTable(rows: string[][]): string {
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
