import { capable, knownModelOf } from "../../trainers/index.js";
import { PREPROCESS_FILE } from "../../training/capabilities/run-space.js";
import type { ExportFormat } from "../../export/format.js";
import { normalizedRows, rowsNamed, rowsOfFields, topRows } from "../../export/narrow.js";
import {
  withReserved,
  unknownKeysText,
  zerosForUnknown,
  type OutOfVocabulary,
  type UnknownVector,
} from "../../export/reserve.js";
import type { ModelFacts } from "../../export/selection.js";
import { loadRows, tableRows, type TableRows } from "../../table/rows.js";
import { vectorsAt } from "../../table/table.js";
import type { UnknownKeysOf } from "../../training/capabilities/model.js";
import { NoInputError, UsageError } from "../../base/errors.js";
import { readText } from "../../base/io/read-text.js";
import { axesOf, checkPrefix, prefixRows } from "../codes/prefixes.js";
import { compositionOf } from "../compose.js";
import { composed, withMips, type Composed } from "../composed-items.js";
import type { ExportRunOptions } from "./options.js";
import type { OpenRows } from "../tables.js";

interface RowsToWrite {
  rows: TableRows;
  /** source of the vector for unknown keys, by exported field; only for --reserve */
  unknownKeys?: Record<string, UnknownVector>;
}

/**
 * Composes, selects and normalizes rows and reserves rows for unknown keys, as the options request. Composed items,
 * --mips and --reserve load the table into memory; the other steps work on batches of rows.
 *
 * @param fields names of the fields to write, all when absent. This function selects several fields; the writer selects
 *   a single one
 */
export async function rowsToWrite(
  opened: OpenRows,
  format: ExportFormat,
  fields: readonly string[] | undefined,
  {
    compose,
    mips,
    topCount,
    keys,
    normalize,
    reserve,
    dim,
    table: name,
  }: Omit<ExportRunOptions, "delta" | "field">,
  tell: (note: string) => void = () => undefined,
): Promise<RowsToWrite> {
  let { rows } = opened;
  const field = onlyField(fields);
  const composition = await compositionOf(opened.run, rows.fields, format.isOfModel ? "none" : compose);
  if (composition || mips) {
    const table = await loadRows(rows);
    const items: Composed = composition ? await composed(table, composition) : { table };
    if (items.note && (!fields || fields.includes(items.item!))) tell(items.note);
    rows = tableRows(mips ? await withMips({ ...opened, table }, items) : items.table);
  }
  if (dim !== undefined) {
    checkPrefix("--dim", dim, rows.dim);
    const axes = await axesOf(rows);
    const share = sumOf(axes.moments.subarray(0, dim)) / sumOf(axes.moments);
    tell(
      `vectors are rotated to principal axes: ${dim} of ${rows.dim} dimensions keep ${(100 * share).toFixed(1)}% of ` +
        "their squared length",
    );
    rows = prefixRows(rows, dim, axes);
  }
  // the vectors for unknown keys are computed before rows are selected, so that they do not depend on the selection
  const unknown = reserve && (await unknownKeysOf(opened, { table: await loadRows(rows), name }, format));
  const all = rows.fields;
  if (fields && fields.length > 1) rows = await rowsOfFields(rows, fields);
  if (keys !== undefined) {
    const named = await rowsNamed(rows, await nonEmptyLines(keys), field);
    rows = named.rows;
    if (named.missing > 0) tell(`${named.missing} of the keys of '${keys}' have no row in the table`);
  }
  if (topCount !== undefined) rows = await topRows(rows, topCount);
  const found = unknown && unknownOrigins(unknown, all, fields ?? all);
  if (reserve && unknown && found) {
    // the note on unknown keys is left out if the format always has rows for them and training produced their vectors
    const isExpected = format.findsUnknown && Object.values(found).includes("trained");
    if (!isExpected) tell(unknownKeysText(found));
    rows = tableRows(
      withReserved(await loadRows(rows), reserve, unknownVectorsOfFields(unknown, all, rows.fields)),
    );
  }
  return { rows: normalize ? normalizedRows(rows) : rows, ...(found && { unknownKeys: found }) };
}

function sumOf(numbers: Float64Array): number {
  return numbers.reduce((sum, x) => sum + x, 0);
}

/** Returns the name of the field if there is exactly one; undefined for several fields, or for all fields. */
export function onlyField(fields: readonly string[] | undefined): string | undefined {
  return fields?.length === 1 ? fields[0] : undefined;
}

function unknownVectorsOfFields(
  { weights, vectors, is }: OutOfVocabulary,
  all: readonly string[],
  fields: readonly string[],
): OutOfVocabulary {
  const dim = vectors.length / all.length;
  const places = Uint32Array.from(fields, (field) => all.indexOf(field));
  return {
    weights: Float32Array.from(places, (f) => weights[f]!),
    vectors: vectorsAt({ vectors, dim }, places),
    is: Array.from(places, (f) => is[f]),
  };
}

/** Returns the source of the vector for unknown keys by field. Numeric fields have none and are left out. */
function unknownOrigins(
  { is }: OutOfVocabulary,
  all: readonly string[],
  fields: readonly string[],
): Record<string, UnknownVector> {
  return Object.fromEntries(
    all.flatMap((field, f) => (is[f] && fields.includes(field) ? [[field, is[f]]] : [])),
  );
}

async function nonEmptyLines(path: string): Promise<string[]> {
  const text = await readText(path).catch((error: unknown) => {
    throw new NoInputError(`the file of keys '${path}' cannot be read`, { cause: error });
  });
  return text.split(/\r?\n/).filter((line) => line !== "");
}

/** Returns vectors for unknown keys: the model's, or zeros if the format looks up keys. @throws {UsageError} neither */
async function unknownKeysOf(
  { run }: OpenRows,
  of: UnknownKeysOf,
  format: ExportFormat,
): Promise<OutOfVocabulary> {
  const found = await (await knownModelOf(run)).unknownKeys?.(run, of);
  if (found && !("whyNot" in found)) return found;
  // a format that looks up keys must have a vector for unknown keys
  if (format.findsUnknown) return zerosForUnknown(of.table);
  throw new UsageError(
    `--reserve: the table of run '${run.path}' has no row for unknown keys${found ? `: ${found.whyNot}` : ""}`,
  );
}

export async function modelFacts({ run }: OpenRows): Promise<ModelFacts> {
  return await (
    await capable(
      run,
      "secondOrder",
      "cannot be written in format fnn, which holds w0, weights and vectors of a factorization machine",
    )
  )(run);
}

/** Returns preprocess.json (how cells of a log become keys), which formats of several files include; if it exists. */
export async function preprocessOf({ run }: OpenRows): Promise<Uint8Array | undefined> {
  const isThere = Object.hasOwn(run.manifest.files, `model/${PREPROCESS_FILE}`);
  return isThere ? await run.readModelFile(PREPROCESS_FILE) : undefined;
}
