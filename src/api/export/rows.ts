// The rows that `embed export` writes: composed, narrowed, with reserved rows and normalized, and what the model has beside them.

import { capable, modelOf } from "../../trainers/index.js";
import { PREPROCESS_FILE } from "../../training/capabilities/run-space.js";
import type { ExportFormat } from "../../export/format.js";
import { normalizedRows, rowsNamed, topRows } from "../../export/narrow.js";
import { withReserved, type OutOfVocabulary } from "../../export/reserve.js";
import type { ModelFacts, RowTexts } from "../../export/selection.js";
import { loadRows, tableRows, type TableRows } from "../../embedding/rows.js";
import { rowsOf, type EmbeddingTable } from "../../embedding/table.js";
import { NoInputError } from "../../errors.js";
import { readText } from "../../io/read-text.js";
import { compositionOf } from "../compose.js";
import { composed, withMips, type Composed } from "../composed-items.js";
import type { ExportRunOptions } from "./options.js";
import type { OpenRows } from "../tables.js";

/**
 * Composed, narrowed, normalized, with reserved rows: each where asked for. Composed items, --mips and --reserve take the table
 * into memory; all else is done on the way.
 */
export async function rowsToWrite(
  opened: OpenRows,
  format: ExportFormat,
  field: string | undefined,
  { compose, mips, topCount, keys, normalize, reserve }: Omit<ExportRunOptions, "delta" | "field">,
  tell: (note: string) => void = () => undefined,
): Promise<TableRows> {
  let { rows } = opened;
  const composition = await compositionOf(opened.run, rows.fields, format.isOfModel ? "none" : compose);
  if (composition || mips) {
    const table = await loadRows(rows);
    const items: Composed = composition ? await composed(table, composition) : { table };
    if (items.note && (field === undefined || field === items.item)) tell(items.note);
    rows = tableRows(mips ? await withMips({ ...opened, table }, items) : items.table);
  }
  if (keys !== undefined) {
    const named = await rowsNamed(rows, await linesOf(keys), field);
    rows = named.rows;
    if (named.missing > 0) tell(`${named.missing} of the keys of '${keys}' have no row in the table`);
  }
  if (topCount !== undefined) rows = await topRows(rows, topCount);
  if (reserve) {
    const table = await loadRows(rows);
    rows = tableRows(withReserved(table, reserve, await unknownKeysOf(opened, table, format, tell)));
  }
  return normalize ? normalizedRows(rows) : rows;
}

/** The lines of a file but for empty ones. @throws {NoInputError} it cannot be read */
async function linesOf(path: string): Promise<string[]> {
  const text = await readText(path).catch((error: unknown) => {
    throw new NoInputError(`the file of keys '${path}' cannot be read`, { cause: error });
  });
  return text.split(/\r?\n/).filter((line) => line !== "");
}

/**
 * What stands for unknown keys: what training made of them, and zeros of models that have nothing for them.
 *
 * @throws {UsageError} there is nothing, and the format could do without
 */
async function unknownKeysOf(
  { run }: OpenRows,
  table: EmbeddingTable,
  format: ExportFormat,
  tell: (note: string) => void,
): Promise<OutOfVocabulary> {
  const found = format.findsUnknown
    ? (await modelOf(run))?.unknownKeys
    : await capable(
        run,
        "unknownKeys",
        "cannot provide a vector for unknown keys (--reserve)",
        "Omit --reserve; --format onnx returns zeros for unknown keys",
      );
  if (found) return await found(run);
  tell(`a '${run.manifest.model}' model has no vector for unknown keys: they get zeros`);
  const { dim, fields, keys } = table;
  const hasKeys = fields.map((field) => {
    const { first, last } = rowsOf(table, field);
    return keys.offsets[last]! > keys.offsets[first]!;
  });
  return {
    weights: new Float32Array(fields.length),
    vectors: new Float32Array(fields.length * dim),
    hasKeys,
  };
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
