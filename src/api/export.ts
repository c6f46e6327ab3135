// `embed export`: a run's table → a file of another tool's format.

import { exportDelta, exportDirectory, exportSaved, exportTable } from "../export/export-table.js";
import { exportFormats, formatNamed } from "../export/formats.js";
import { NUM_RESERVED, reserveSchemes, type ReserveScheme } from "../export/reserve.js";
import { onnxInputs, type OnnxInput } from "../export/selection.js";
import { rowsOf } from "../embedding/table.js";
import { UsageError } from "../errors.js";
import { writeFileAtomic } from "../io/atomic.js";
import { version } from "../io/package-version.js";
import type { Chunks } from "../io/write.js";
import { checkTogether, type ExportRunOptions } from "./export-options.js";
import { modelFacts, preprocessOf, tableToWrite, textsOf } from "./export-rows.js";
import { openTable } from "./tables.js";

/** Name and one line of each format, for the help. */
export const formatSummaries: [name: string, summary: string][] = [...exportFormats].map(
  ([name, { summary }]) => [name, summary],
);

/** Values of `reserve`, for the help. */
export const reservations: readonly ReserveScheme[] = reserveSchemes;

/** Values of `onnxInput`, for the help. */
export const onnxInputNames: readonly OnnxInput[] = onnxInputs;

export interface ExportSummary {
  command: "export";
  version: string;
  out: string;
  seconds: number;
  rows: number;
  /** rows by what became of them since the earlier run */
  delta?: Record<"added" | "changed" | "removed" | "same", number>;
  options: Record<string, unknown>;
}

/**
 * Exports a run's table to a file or a directory, whole or not at all, or in chunks to `write`.
 *
 * @param tell hears what an item's vector is, where it is not its row, and what a reader may trip over
 * @param write takes one chunk after another when there is no path
 * @throws {UsageError} an unknown format or field, a format of several files without a path, or options that do not go together
 */
export async function exportRun(
  path: string,
  options: ExportRunOptions,
  write: (chunk: Uint8Array) => Promise<void>,
  signal: AbortSignal,
  tell: (note: string) => void = () => undefined,
): Promise<ExportSummary> {
  const start = performance.now();
  const { format: name, out, force, withWeight, strict, wide, onnxInput } = options;
  const format = formatNamed(name);
  const toStdout = out === undefined || out === "-";
  if (toStdout && format.needsDirectory) {
    throw new UsageError(`format ${name} writes several files: give it a directory with -o DIR`);
  }
  if (toStdout && "save" in format) {
    throw new UsageError(`format ${name} is written to a file and not to a stream: give it one with -o FILE`);
  }
  checkTogether(format, options);
  // unknown keys have a row where a format looks keys up; which, its reader need not know
  const reserve = options.reserve ?? (format.findsUnknown && onnxInput !== "row" ? "keras" : undefined);
  const opened = await openTable(path, options.table);
  const field = options.field === undefined ? undefined : opened.fieldNamed(options.field);
  // a delta says where rows go in a table that has its reserved rows already
  const { reserve: _, ...unreserved } = options;
  const isDelta = options.delta !== undefined;
  const asked = { ...unreserved, ...(reserve && !isDelta && { reserve }) };
  const table = await tableToWrite(opened, format, field, asked, tell);
  const model = format.isOfModel ? await modelFacts(opened) : undefined;
  const selected = {
    format: name,
    withWeight,
    strict,
    ...(field !== undefined && { field }),
    ...(reserve && { reserve }),
    ...(wide && { wide }),
    ...(onnxInput && { onnxInput }),
  };
  const preprocess = await preprocessOf(opened);
  const texts = await textsOf(opened, table, options.table);
  const given = {
    ...selected,
    ...(model && { model }),
    ...(preprocess && { preprocess }),
    ...(texts && { texts }),
    ...(options.mips && { isInnerProduct: true }),
  };
  const writeChunks = async (chunks: Chunks): Promise<void> => {
    if (!toStdout) return await writeFileAtomic(out, chunks, force, { signal });
    for await (const chunk of chunks) {
      signal.throwIfAborted();
      await write(chunk);
    }
  };
  let delta: ExportSummary["delta"];
  if (options.delta !== undefined) {
    const earlier = await tableToWrite(
      await openTable(options.delta, options.table),
      format,
      field,
      unreserved,
    );
    const shift = reserve ? NUM_RESERVED : 0;
    const output = { write: writeChunks, target: out, force };
    delta = await exportDelta({ earlier, table, shift }, given, output, { signal });
    const counts = Object.entries(delta).map(([what, n]) => `${n} ${what}`);
    tell(`since '${options.delta}': ${counts.join(", ")}`);
  } else if ("save" in format) await exportSaved(table, { ...given, format }, out!, force, { signal });
  else if (format.needsDirectory) await exportDirectory(table, given, out!, force, { signal });
  else await writeChunks(exportTable(table, given));
  const { first, last } = rowsOf(table, field);
  const { compose, mips = false, topCount, keys, normalize } = options;
  return {
    command: "export",
    version,
    out: out ?? "-",
    seconds: (performance.now() - start) / 1000,
    rows: last - first,
    ...(delta && { delta }),
    options: {
      run: path,
      ...selected,
      ...(compose && { compose }),
      mips,
      ...(topCount !== undefined && { topCount }),
      ...(keys !== undefined && { keys }),
      ...(normalize && { normalize }),
      ...(options.delta !== undefined && { delta: options.delta }),
    },
  };
}
