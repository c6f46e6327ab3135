// Exports rows in the format of another tool, in chunks; memory holds one batch, or all rows for formats that need them
// (formats.ts).

import { join } from "node:path";
import { UsageError } from "../base/errors.js";
import { tableRows, type TableRows } from "../table/rows.js";
import type { EmbeddingTable } from "../table/table.js";
import { writeDirectory, writeFileBy, type AtomicOptions } from "../base/io/atomic.js";
import { writeUnlisted, type Chunks } from "../base/io/write.js";
import { deltaFiles, deltaLines, deltaOf } from "./delta.js";
import type { ExportFormat, SavedFormat } from "./format.js";
import { formatNamed } from "./formats.js";
import { checkHeld } from "./key-rules.js";
import { reserveFacts } from "./reserve.js";
import { selectRows, type ExportOptions, type Selection } from "./selection.js";
import type { Sent, ServerTarget } from "./servers/server.js";

export interface Exported {
  rows: number;
  numZero: number;
}

/**
 * Passes the bytes of one file to `write`, each chunk in its own buffer. Keys are checked before the first chunk.
 *
 * @throws {UsageError} unknown format or field, a format of several files, or weights requested although the table has
 * none
 * @throws {DataError} while iterating: keys that the format cannot distinguish, or with strict cannot represent
 * @throws {ArtifactError} while iterating: a number is not finite
 */
export async function exportTable(
  rows: TableRows,
  options: ExportOptions & { format: string },
  write: (chunks: Chunks) => Promise<void>,
): Promise<Exported> {
  const format = formatNamed(options.format);
  if ("save" in format || format.needsDirectory) {
    const what = format.needsDirectory
      ? "several files: name a directory with -o DIR"
      : "no stream: name a file with -o FILE";
    throw new UsageError(`format ${options.format} writes ${what}`);
  }
  const selection = await checkedSelection(rows, options, format);
  await write(format.chunks(selection));
  return exportedOf(selection, format);
}

/**
 * Writes a format of several files as a directory, completely or not at all.
 *
 * @throws {UsageError} as exportTable, or a format of one file
 * @throws {OutputError} the target exists (with force: and is no directory of this format), or cannot be created
 * @throws {IoError} disk full, permission and the like during the write
 */
export async function exportDirectory(
  rows: TableRows,
  options: ExportOptions & { format: string },
  target: string,
  force: boolean,
  atomic: AtomicOptions = {},
): Promise<Exported> {
  const format = formatNamed(options.format);
  if (!format.needsDirectory || "save" in format)
    throw new UsageError(`format ${options.format} writes one file, not a directory`);
  const selection = await checkedSelection(rows, options, format);
  await writeFiles(format.files(selection), options, target, force, { own: format.own, ...atomic });
  return exportedOf(selection, format);
}

/** Writes a format that an external package writes. @throws as exportDirectory, or {UsageError} without the package */
export async function exportSaved(
  rows: TableRows,
  { format, ...options }: ExportOptions & { format: SavedFormat },
  target: string,
  force: boolean,
  atomic: AtomicOptions = {},
): Promise<Exported> {
  const selection = await checkedSelection(rows, options, format);
  const { own } = format;
  const write = async (folder: string): Promise<void> => {
    await format.save(selection, folder, atomic.signal);
    await writeBeside(options, folder, atomic.signal);
  };
  if (format.needsDirectory) await writeDirectory(target, force, write, { own, ...atomic });
  else await writeFileBy(target, (path) => format.save(selection, path, atomic.signal), force, atomic);
  return exportedOf(selection, format);
}

async function checkedSelection(
  rows: TableRows,
  options: ExportOptions,
  format: ExportFormat,
): Promise<Selection> {
  const selection = await selectRows(rows, options);
  for (const one of layersOf(selection, format)) await checkHeld(one, format);
  return selection;
}

/** Writes rows to a server, completely or not at all. @throws as exportTable, and as the format's `send` */
export async function exportToServer(
  rows: TableRows,
  options: ExportOptions & { format: string },
  target: ServerTarget,
): Promise<Exported & Sent> {
  const format = formatNamed(options.format);
  const { send } = format;
  if (!send) throw new UsageError(`format ${options.format} is written to files, not into a server`);
  const selection = await checkedSelection(rows, options, format);
  const sent = await send(selection, target);
  return { ...exportedOf(selection, format), ...sent };
}

/**
 * Writes the changes from an earlier table to this one: jsonl to `write`, npy to the directory `target`.
 *
 * @param options reserve: the value of --reserve with which both tables are exported
 * @returns how many rows were added, changed, removed and unchanged
 * @throws {UsageError} the format is neither, or the tables cannot be compared, as deltaOf
 */
export async function exportDelta(
  { earlier, table }: { earlier: EmbeddingTable; table: EmbeddingTable },
  options: ExportOptions & { format: string },
  output: { write: (chunks: Chunks) => Promise<void>; target: string | undefined; force: boolean },
  atomic: AtomicOptions = {},
): Promise<Record<"added" | "changed" | "removed" | "same", number>> {
  const batch = await (await selectRows(tableRows(table), options)).whole();
  const delta = deltaOf(earlier, batch, options.reserve);
  const own = formatNamed("npy").own;
  if (options.format === "npy")
    await writeFiles(deltaFiles(batch, delta), options, output.target!, output.force, { own, ...atomic });
  else await output.write(deltaLines(batch, delta));
  const added = delta.written.filter(({ isNew }) => isNew).length;
  return { added, changed: delta.written.length - added, removed: delta.removed.length, same: delta.same };
}

/** The zero vectors were counted while the rows were written. */
function exportedOf(selection: Selection, format: ExportFormat): Exported {
  const numZero = layersOf(selection, format).reduce((sum, one) => sum + one.numZero, 0);
  return { rows: selection.numRows, numZero };
}

function layersOf(selection: Selection, format: ExportFormat): readonly Selection[] {
  return (format.layers && selection.layers) ?? [selection];
}

async function writeBeside(options: ExportOptions, dir: string, signal?: AbortSignal): Promise<void> {
  if (options.preprocess) await writeUnlisted(join(dir, "preprocess.json"), [options.preprocess], signal);
  const facts = reserveFacts(options);
  if (facts)
    await writeUnlisted(join(dir, "reserve.json"), [Buffer.from(`${JSON.stringify(facts)}\n`)], signal);
}

async function writeFiles(
  files: ReadonlyMap<string, Chunks>,
  options: ExportOptions,
  target: string,
  force: boolean,
  atomic: AtomicOptions,
): Promise<void> {
  const write = async (dir: string): Promise<void> => {
    for (const [name, chunks] of files) await writeUnlisted(join(dir, name), chunks, atomic.signal);
    await writeBeside(options, dir, atomic.signal);
  };
  await writeDirectory(target, force, write, atomic);
}
