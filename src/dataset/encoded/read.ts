// Reads an encoded dataset into memory: checks its checksums, then copies it column by column.

import { lowerBound } from "../../base/numeric/indices.js";
import { join } from "node:path";
import { restoreInterrupted } from "../../base/io/leftovers.js";
import { checkRegularFiles } from "../../base/io/listed-files.js";
import {
  checkArtifact,
  pathExists,
  readArtifact,
  withArtifact,
  type ReadHandle,
} from "../../base/io/read-artifact.js";
import { RowFile } from "../../base/io/row-file.js";
import type { Cells } from "../collect.js";
import { columnFrom, type ColumnPlan } from "../columns.js";
import type { Column, Dataset } from "../dataset.js";
import { ColumnCache, storedColumn } from "../stored-columns.js";
import {
  damaged,
  DATASET_MARKER,
  parseDescription,
  ROWS_FILE,
  VALUES_FILE,
  type Description,
} from "./description.js";
import { MISSING, encodeKeys, type Keys } from "../../log/keys.js";
import { ARROW_TYPES, ArrowFile, arrowBytesOf, type FlatTable } from "../../base/io/arrow-file.js";

export interface EncodedDataset {
  path: string;
  dataset: Dataset;
  description: Description;
}

/** Whether a path is an encoded dataset. First restores a dataset whose replacement was interrupted. */
export async function isEncodedDataset(path: string): Promise<boolean> {
  if (path === "-") return false;
  await restoreInterrupted(path);
  return await pathExists(join(path, DATASET_MARKER));
}

/**
 * Reads the description of a dataset.
 * @throws {ArtifactError} damaged, of another schema version, or a file is not a regular file
 */
export async function readDescription(path: string): Promise<Description> {
  const file = join(path, DATASET_MARKER);
  checkRegularFiles(path, [DATASET_MARKER, ROWS_FILE, VALUES_FILE]);
  return parseDescription(await readArtifact(file), file);
}

/**
 * Reads a dataset completely, or leaves its rows on disk (stored-columns.ts) if they and the features need more than
 * `maxBytes`.
 *
 * @param maxBytes maximum number of bytes of rows in memory
 * @param described its description, if it was read before
 * @throws {ArtifactError} a file is missing, changed or damaged, or of another schema version
 */
export async function readEncoded(
  path: string,
  maxBytes = Infinity,
  described?: Description,
): Promise<EncodedDataset> {
  const description = described ?? (await readDescription(path));
  const { rows: numRows, columns: plans, roles, inputs, hashKeys, files } = description;
  const file = join(path, ROWS_FILE);
  await checkArtifact(file, files[ROWS_FILE]!, "encode the log again");
  const stored = rowBytes(description) > maxBytes;
  const columns = await withArtifact(file, async (handle) => {
    if (stored) return storedColumns(await rowLayout(handle, file, numRows, plans), file, plans);
    const { cells, dictionaries } = await readRows(handle, file, numRows, plans);
    return plans.map((plan, i) => columnFrom(plan, cells[i]!, dictionaries[i]!));
  }).catch((error: unknown) => {
    // a RangeError means that an offset lies beyond the end of the file
    throw error instanceof RangeError ? damaged(file, error.message, error) : error;
  });
  return { path, dataset: { numRows, columns, roles, inputs, hashKeys }, description };
}

/** Returns the number of bytes of the rows' cells, and of the features that a training creates from them. */
export function rowBytes({ rows, columns }: Description): number {
  return columns.reduce((sum, { kind }) => sum + (kind === "number" ? 12 : 8) * rows, 0);
}

/** Returns columns whose cells are read from the file on access. */
function storedColumns(
  { numRows, batches, dictionaries }: EncodedRowLayout,
  path: string,
  plans: readonly ColumnPlan[],
): Column[] {
  const file = RowFile.open(path);
  const cache = new ColumnCache();
  const firsts = Float64Array.from(batches, ({ first }) => first);
  const batchOf = (row: number) => lowerBound(firsts, row + 1) - 1;
  return plans.map((plan, i) => {
    const newCells = (size: number) =>
      plan.kind === "number" ? new Float64Array(size) : new Uint32Array(size);
    const readCells = (from: number, to: number, cells: Cells = newCells(to - from)): Cells => {
      for (let b = Math.max(0, batchOf(from)); b < batches.length && batches[b]!.first < to; b++) {
        const { first, length, offsets } = batches[b]!;
        const [start, end] = [Math.max(from, first), Math.min(to, first + length)];
        const at = offsets[i]! + (start - first) * cells.BYTES_PER_ELEMENT;
        file.read(cells.subarray(start - from, end - from), at);
      }
      checkCodes(cells, dictionaries[i]!, plan.name, path);
      return cells;
    };
    return storedColumn(columnFrom(plan, new Uint32Array(), dictionaries[i]!), numRows, readCells, cache);
  });
}

/** The positions of the rows in rows.arrow, and the distinct keys of its columns. */
interface EncodedRowLayout {
  numRows: number;
  /** for each batch: its first row, number of rows, and the offset in the file of each column's cells */
  batches: { first: number; length: number; offsets: number[] }[];
  /** distinct keys, or whole cells, of each column */
  dictionaries: Keys[];
}

/** @throws {ArtifactError} the file has another layout, or other columns than those in `plans` */
async function rowLayout(
  file: ReadHandle,
  path: string,
  numRows: number,
  plans: readonly ColumnPlan[],
): Promise<EncodedRowLayout> {
  const fail = (why: string): never => {
    throw damaged(path, why);
  };
  const arrow = await ArrowFile.open(await arrowBytesOf(file, fail), fail);
  checkSchema(arrow.fields, plans, path);
  const batches: EncodedRowLayout["batches"] = [];
  let first = 0;
  for (const block of arrow.batches) {
    const { length, buffers } = await arrow.batch(block);
    // rows.arrow has two buffers per column: a bitmap of the empty cells, then the values
    const offsets = plans.map(({ kind }, i) => {
      const at = buffers[2 * i + 1];
      if (!at || at.bytes < (kind === "number" ? 8 : 4) * length)
        return fail("a batch is shorter than its rows");
      return at.offset;
    });
    batches.push({ first, length, offsets });
    first += length;
    if (first > numRows) fail(`more rows than the ${numRows} in ${DATASET_MARKER}`);
  }
  if (first !== numRows) fail(`${first} rows, ${DATASET_MARKER} says ${numRows}`);
  const dictionaries = plans.map(() => encodeKeys([]));
  for await (const { id, keys } of arrow.dictionaries()) {
    if (!Object.hasOwn(dictionaries, id)) fail(`a dictionary of column ${id}`);
    dictionaries[id] = keys;
  }
  return { numRows, batches, dictionaries };
}

/** Returns cells, and distinct keys or whole cells, of each column in `plans`. @throws the errors of rowLayout */
async function readRows(
  file: ReadHandle,
  path: string,
  numRows: number,
  plans: readonly ColumnPlan[],
): Promise<{ cells: Cells[]; dictionaries: Keys[] }> {
  const { batches, dictionaries } = await rowLayout(file, path, numRows, plans);
  const cells = plans.map(({ kind }) =>
    kind === "number" ? new Float64Array(numRows) : new Uint32Array(numRows),
  );
  const fail = (why: string): never => {
    throw damaged(path, why);
  };
  const bytes = await arrowBytesOf(file, fail);
  for (const { first, length, offsets } of batches) {
    for (const [i, column] of cells.entries()) {
      const size = column.BYTES_PER_ELEMENT;
      await bytes.read(new Uint8Array(column.buffer, first * size, length * size), offsets[i]!);
    }
  }
  cells.forEach((column, i) => checkCodes(column, dictionaries[i]!, plans[i]!.name, path));
  return { cells, dictionaries };
}

/** @throws {ArtifactError} a code is outside the dictionary */
function checkCodes(cells: Cells, { size }: Keys, name: string, path: string): void {
  if (!(cells instanceof Uint32Array)) return;
  for (let i = 0; i < cells.length; i++)
    if (cells[i]! >= size && cells[i] !== MISSING)
      throw damaged(path, `column '${name}' has code ${cells[i]}, but only ${size} keys`);
}

function checkSchema(fields: readonly FlatTable[], plans: readonly ColumnPlan[], path: string): void {
  if (fields.length !== plans.length || fields.some((field, i) => field.text(0) !== plans[i]!.name))
    throw damaged(path, `its columns differ from ${DATASET_MARKER}`);
  for (const [i, { name, kind }] of plans.entries()) {
    const field = fields[i]!;
    const dictionary = field.table(4);
    const isOfKind =
      kind === "number"
        ? field.u8(2) === ARROW_TYPES.float && !dictionary
        : field.u8(2) === ARROW_TYPES.utf8 && dictionary?.i64(0) === i;
    if (!isOfKind) throw damaged(path, `the type of column '${name}' differs from ${DATASET_MARKER}`);
  }
}
