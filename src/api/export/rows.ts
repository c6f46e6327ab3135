// The rows that `embed export` writes: composed, narrowed, with reserved rows and normalized, and what the model has beside them.

import { capable, knownModelOf, modelOf } from "../../trainers/index.js";
import { PREPROCESS_FILE } from "../../training/capabilities/run-space.js";
import type { ExportFormat } from "../../export/format.js";
import { normalizedRows, rowsNamed, rowsOfFields, topRows } from "../../export/narrow.js";
import { withReserved } from "../../export/reserve.js";
import {
  unknownKeysText,
  zerosForUnknown,
  type OutOfVocabulary,
  type UnknownVector,
} from "../../export/unknown-keys.js";
import type { ModelFacts, RowTexts } from "../../export/selection.js";
import { loadRows, tableRows, type TableRows } from "../../embedding/rows.js";
import { vectorsAt } from "../../embedding/table.js";
import type { UnknownKeysOf } from "../../training/capabilities/model.js";
import { NoInputError, UsageError } from "../../errors.js";
import { readText } from "../../io/read-text.js";
import { compositionOf } from "../compose.js";
import { composed, withMips, type Composed } from "../composed-items.js";
import type { ExportRunOptions } from "./options.js";
import type { OpenRows } from "../tables.js";

/** The rows and fields to export. */
export interface RowsToWrite {
  rows: TableRows;
  /** of --reserve: what stands for the unknown keys of each field that is written */
  unknownKeys?: Record<string, UnknownVector>;
}

/**
 * Composed, narrowed, normalized, with reserved rows: each where asked for. Composed items, --mips and --reserve take the table
 * into memory; all else is done on the way.
 *
 * @param fields those that are written, all when absent; of several the others are left out here, of one by the export
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
  // known keys that are narrowed away are no reason for another vector of unknown ones
  const unknown = reserve && (await unknownKeysOf(opened, { table: await loadRows(rows), name }, format));
  const all = rows.fields;
  if (fields && fields.length > 1) rows = await rowsOfFields(rows, fields);
  if (keys !== undefined) {
    const named = await rowsNamed(rows, await linesOf(keys), field);
    rows = named.rows;
    if (named.missing > 0) tell(`${named.missing} of the keys of '${keys}' have no row in the table`);
  }
  if (topCount !== undefined) rows = await topRows(rows, topCount);
  const found = unknown && unknownOf(unknown, all, fields ?? all);
  if (reserve && unknown && found) {
    // a format that looks keys up has rows for unknown ones without --reserve: those that training made are no news
    const isExpected = format.findsUnknown && Object.values(found).includes("trained");
    if (!isExpected) tell(unknownKeysText(found));
    rows = tableRows(withReserved(await loadRows(rows), reserve, ofFields(unknown, all, rows.fields)));
  }
  return { rows: normalize ? normalizedRows(rows) : rows, ...(found && { unknownKeys: found }) };
}

/** Returns the only field; undefined if there are several, or all are meant. */
export function onlyField(fields: readonly string[] | undefined): string | undefined {
  return fields?.length === 1 ? fields[0] : undefined;
}

/** The unknown keys of some of a table's fields, in their order. */
function ofFields(
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

/** The vectors of unknown keys, by field; fields of numbers have none. */
function unknownOf(
  { is }: OutOfVocabulary,
  all: readonly string[],
  fields: readonly string[],
): Record<string, UnknownVector> {
  return Object.fromEntries(
    all.flatMap((field, f) => (is[f] && fields.includes(field) ? [[field, is[f]]] : [])),
  );
}

/** The lines of a file but for empty ones. @throws {NoInputError} it cannot be read */
async function linesOf(path: string): Promise<string[]> {
  const text = await readText(path).catch((error: unknown) => {
    throw new NoInputError(`the file of keys '${path}' cannot be read`, { cause: error });
  });
  return text.split(/\r?\n/).filter((line) => line !== "");
}

/** Returns the vectors of unknown keys. @throws {UsageError} the table has no such row, and the format could do without */
async function unknownKeysOf(
  { run }: OpenRows,
  of: UnknownKeysOf,
  format: ExportFormat,
): Promise<OutOfVocabulary> {
  const found = await (await knownModelOf(run)).unknownKeys?.(run, of);
  if (found && !("whyNot" in found)) return found;
  // a format that looks keys up must answer for unknown ones
  if (format.findsUnknown) return zerosForUnknown(of.table);
  throw new UsageError(
    `--reserve: the table of run '${run.path}' has no row for unknown keys${found ? `: ${found.whyNot}` : ""}`,
  );
}

/** What format fnn needs besides the table. @throws {UsageError} the run is of another model */
export async function modelFacts({ run }: OpenRows): Promise<ModelFacts> {
  return await (
    await capable(
      run,
      "secondOrder",
      "cannot be written in format fnn, which holds w0, weights and vectors of a factorization machine",
    )
  )(run);
}

/** What the rows are in words, where they have any. @param name of the table, as given */
export async function textsOf({ run }: OpenRows, name: string | undefined): Promise<RowTexts | undefined> {
  return await (await modelOf(run))?.rowTexts?.(run, name);
}

/** How a raw cell becomes a key, as training fitted it: the file goes with formats of several files. */
export async function preprocessOf({ run }: OpenRows): Promise<Uint8Array | undefined> {
  const isThere = Object.hasOwn(run.manifest.files, `model/${PREPROCESS_FILE}`);
  return isThere ? await run.readModelFile(PREPROCESS_FILE) : undefined;
}
