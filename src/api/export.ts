// `embed export`: a run's table → a file of another tool's format.

import { PREPROCESS_FILE, readFmModel, type FmRun } from "../trainers/learners.js";
import { exportDirectory, exportTable } from "../export/export-table.js";
import { exportFormats, formatNamed, type ExportFormat } from "../export/formats.js";
import { normalized, numZeroVectors, rowsNamed, topRows } from "../export/narrow.js";
import { reserveSchemes, withReserved, type OutOfVocabulary, type ReserveScheme } from "../export/reserve.js";
import type { ModelFacts } from "../export/selection.js";
import { rowsOf, type EmbeddingTable } from "../embedding/table.js";
import { NoInputError, UsageError } from "../errors.js";
import { writeFileAtomic } from "../io/atomic.js";
import { version } from "../io/package-version.js";
import { readText } from "../io/read-text.js";
import { composeItems, withMips, type Compose } from "./compose.js";
import { openTable, type OpenTable } from "./tables.js";

/** Values of `reserve`, for the help. */
export const reservations: readonly ReserveScheme[] = reserveSchemes;

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
  /** of each field only the rows of most events */
  topCount?: number;
  /** a file of the keys whose rows are written, one a line */
  keys?: string;
  /** every vector's length becomes 1 */
  normalize?: "l2";
  /** rows for padding and unknown keys */
  reserve?: ReserveScheme;
  /** parquet: a column a dimension in place of lists */
  wide?: boolean;
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
  const { format: name, out, force, withWeight, strict, reserve, wide } = options;
  const format = formatNamed(name);
  const toStdout = out === undefined || out === "-";
  if (toStdout && format.needsDirectory) {
    throw new UsageError(`format ${name} writes several files: give it a directory with -o DIR`);
  }
  checkTogether(format, options);
  const opened = await openTable(path, options.table);
  const field = options.field === undefined ? undefined : opened.fieldNamed(options.field);
  const table = await tableToWrite(opened, format, field, options, tell);
  const model = format.isOfModel ? await modelFacts(opened) : undefined;
  const selected = {
    format: name,
    withWeight,
    strict,
    ...(field !== undefined && { field }),
    ...(reserve && { reserve }),
    ...(wide && { wide }),
  };
  const preprocess = await preprocessOf(opened);
  const given = { ...selected, ...(model && { model }), ...(preprocess && { preprocess }) };
  if (toStdout) {
    for await (const chunk of exportTable(table, given)) {
      signal.throwIfAborted();
      await write(chunk);
    }
  } else if (format.needsDirectory) await exportDirectory(table, given, out, force, { signal });
  else await writeFileAtomic(out, exportTable(table, given), force, { signal });
  const { first, last } = rowsOf(table, field);
  const { compose, mips = false, topCount, keys, normalize } = options;
  return {
    command: "export",
    version,
    out: out ?? "-",
    seconds: (performance.now() - start) / 1000,
    rows: last - first,
    options: {
      run: path,
      ...selected,
      ...(compose && { compose }),
      mips,
      ...(topCount !== undefined && { topCount }),
      ...(keys !== undefined && { keys }),
      ...(normalize && { normalize }),
    },
  };
}

/** @throws {UsageError} options that do not go together */
function checkTogether(format: ExportFormat, options: ExportRunOptions): void {
  const { field, reserve, compose, mips, normalize, wide, format: name } = options;
  if (format.isOfModel) {
    if (compose === "item")
      throw new UsageError(
        `format ${name} has a tensor for each field, whose sum the network takes itself: leave out --compose item`,
      );
    const changed = Object.entries({ "--mips": mips, "--normalize": normalize }).filter(([, on]) => on);
    if (changed.length > 0)
      throw new UsageError(
        `format ${name} holds the parameters as trained: leave out ${changed.map(([flag]) => flag).join(" and ")}`,
      );
  }
  if (wide && name !== "parquet") throw new UsageError(`--wide is for format parquet: ${name} has one form`);
  if (reserve && mips)
    throw new UsageError("--reserve cannot go with --mips: unknown keys have no bias there");
  if (reserve && !format.keepsRows)
    throw new UsageError(
      `--reserve is for formats whose rows stand by their number (${[...exportFormats]
        .filter(([, { keepsRows }]) => keepsRows)
        .map(([other]) => other)
        .join(", ")}), and ${name} names each by its key`,
    );
  if (reserve && format.oneKeyColumn && field === undefined)
    throw new UsageError(`--reserve with format ${name} needs one field: name it with --field`);
  if (options.topCount !== undefined && !(Number.isInteger(options.topCount) && options.topCount >= 1))
    throw new UsageError(`--top-count must be a whole number from 1 on, got ${options.topCount}`);
}

/** Composed, narrowed, normalized, with reserved rows: each where asked for. */
async function tableToWrite(
  opened: OpenTable,
  format: ExportFormat,
  field: string | undefined,
  { compose, mips, topCount, keys, normalize, reserve }: ExportRunOptions,
  tell: (note: string) => void,
): Promise<EmbeddingTable> {
  const composed = await composeItems(opened, format.isOfModel ? "none" : compose);
  if (composed.note && (field === undefined || field === composed.item)) tell(composed.note);
  let table = mips ? await withMips(opened, composed) : composed.table;
  if (keys !== undefined) {
    const named = rowsNamed(table, await linesOf(keys), field);
    table = named.table;
    if (named.missing > 0) tell(`${named.missing} of the keys of '${keys}' have no row in the table`);
  }
  if (topCount !== undefined) table = topRows(table, topCount);
  if (reserve) table = withReserved(table, reserve, unknownKeys(await readFmModel(opened.run)));
  if (normalize) table = normalized(table);
  const numZero = numZeroVectors(table);
  if (numZero > 0 && !format.isOfModel)
    tell(
      `${numZero} rows are vectors of zeros, whose cosine with others is not defined; they stand as they are`,
    );
  return table;
}

/** The lines of a file but for empty ones. @throws {NoInputError} it cannot be read */
async function linesOf(path: string): Promise<string[]> {
  const text = await readText(path).catch((error: unknown) => {
    throw new NoInputError(`the file of keys '${path}' cannot be read`, { cause: error });
  });
  return text.split(/\r?\n/).filter((line) => line !== "");
}

/** Weight and vector of each field's out-of-vocabulary feature. */
function unknownKeys({ space, parameters: { dim, w, vectors } }: FmRun): OutOfVocabulary {
  const numFields = space.fields.length;
  const unknown = { weights: new Float32Array(numFields), vectors: new Float32Array(numFields * dim) };
  space.fields.forEach(({ kind }, f) => {
    if (kind === "number") return;
    const feature = space.offsets[f]!;
    unknown.weights[f] = w[feature]!;
    unknown.vectors.set(vectors.subarray(feature * dim, (feature + 1) * dim), f * dim);
  });
  return { ...unknown, hasKeys: space.fields.map(({ kind }) => kind !== "number") };
}

/** What format fnn needs besides the table. @throws {UsageError} the run is of another model */
async function modelFacts({ run }: OpenTable): Promise<ModelFacts> {
  const { model } = run.manifest;
  if (!["fm", "lr", "fm-draws"].includes(model))
    throw new UsageError(
      `run '${run.path}' holds a model '${model}', and format fnn takes w0, weights and vectors of a factorization machine`,
    );
  const { parameters } = await readFmModel(run);
  return { w0: parameters.w0, dim: parameters.dim };
}

/** How a raw cell becomes a key, as training fitted it: the file goes with formats of several files. */
async function preprocessOf({ run }: OpenTable): Promise<Uint8Array | undefined> {
  const isThere = Object.hasOwn(run.manifest.files, `model/${PREPROCESS_FILE}`);
  return isThere ? await run.readModelFile(PREPROCESS_FILE) : undefined;
}
