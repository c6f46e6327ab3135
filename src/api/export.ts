// `embed export`: a run's table → a file of another tool's format.

import { exportDirectory, exportTable } from "../export/export-table.js";
import { exportFormats, formatNamed } from "../export/formats.js";
import { UsageError } from "../errors.js";
import { writeFileAtomic } from "../io/atomic.js";
import { composeItems, withMips, type Compose } from "./compose.js";
import { openTable } from "./tables.js";
import { version } from "../io/package-version.js";

/** Name and one line of each format, for the help. */
export const formatSummaries: [name: string, summary: string][] = [...exportFormats].map(
  ([name, { summary }]) => [name, summary],
);

export interface ExportRunOptions {
  format: string;
  table?: string;
  field?: string;
  withWeight: boolean;
  strict: boolean;
  /** what an item's vector is; by default all that goes with it */
  compose?: Compose;
  /** a further dimension, so that a dot product ranks as the model does */
  mips?: boolean;
  /** a path; undefined or `-` for `write` */
  out?: string;
  force: boolean;
}

export interface ExportSummary {
  command: "export";
  version: string;
  out: string;
  seconds: number;
  rows: number;
  options: Record<string, unknown>;
}

/**
 * Exports a run's table to a file or a directory, whole or not at all, or in chunks to `write`.
 *
 * @param tell hears what an item's vector is, where it is not its row
 * @param write takes one chunk after another when there is no path
 * @throws {UsageError} an unknown format or field, or a format of several files without a path
 */
export async function exportRun(
  path: string,
  options: ExportRunOptions,
  write: (chunk: Uint8Array) => Promise<void>,
  signal: AbortSignal,
  tell: (note: string) => void = () => undefined,
): Promise<ExportSummary> {
  const start = performance.now();
  const { format, out, force, withWeight, strict, compose, mips = false } = options;
  const toStdout = out === undefined || out === "-";
  if (toStdout && formatNamed(format).needsDirectory) {
    throw new UsageError(`format ${format} writes several files: give it a directory with -o DIR`);
  }
  const opened = await openTable(path, options.table);
  const field = options.field === undefined ? undefined : opened.fieldNamed(options.field);
  const composed = await composeItems(opened, options.compose);
  if (composed.note && (field === undefined || field === composed.item)) tell(composed.note);
  const table = mips ? await withMips(opened, composed) : composed.table;
  const selected = { format, withWeight, strict, ...(field !== undefined && { field }) };
  if (toStdout) {
    for (const chunk of exportTable(table, selected)) {
      signal.throwIfAborted();
      await write(chunk);
    }
  } else if (formatNamed(format).needsDirectory)
    await exportDirectory(table, selected, out, force, { signal });
  else await writeFileAtomic(out, exportTable(table, selected), force, { signal });
  return {
    command: "export",
    version,
    out: out ?? "-",
    seconds: (performance.now() - start) / 1000,
    rows: field === undefined ? table.numRows : table.fieldOf.filter((f) => table.fields[f] === field).length,
    options: { run: path, ...selected, ...(compose && { compose }), mips },
  };
}
