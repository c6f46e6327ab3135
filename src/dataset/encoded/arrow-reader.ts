// rows.arrow as rows-writer.ts writes it, read straight into the columns' arrays (io/arrow-file.ts has the layout).

import { MISSING, keysOf, type Keys } from "../../log/keys.js";
import { ARROW_TYPES, ArrowFile, arrowBytesOf, type FlatTable } from "../../io/arrow-file.js";
import type { ReadHandle } from "../../io/read-artifact.js";
import type { Cells } from "../collect.js";
import type { ColumnPlan } from "../columns.js";
import { damaged, DATASET_MARKER } from "./description.js";

/** Where the rows lie in the file. */
export interface RowLayout {
  numRows: number;
  /** by batch: its first row, its rows, and the file offset of each column's cells */
  batches: { first: number; length: number; offsets: number[] }[];
  /** by column: its keys or whole cells */
  dictionaries: Keys[];
}

/**
 * @param path for messages
 * @throws {ArtifactError} the file is not of that layout, or has other columns than the plans
 */
export async function rowLayout(
  file: ReadHandle,
  path: string,
  numRows: number,
  plans: readonly ColumnPlan[],
): Promise<RowLayout> {
  const fail = (why: string): never => {
    throw damaged(path, why);
  };
  const arrow = await ArrowFile.open(await arrowBytesOf(file, fail), fail);
  checkSchema(arrow.fields, plans, path);
  const batches: RowLayout["batches"] = [];
  let first = 0;
  for (const block of arrow.batches) {
    const { length, buffers } = await arrow.batch(block);
    // before each column's values stands its bitmap
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
  const dictionaries = plans.map(() => keysOf([]));
  for await (const { id, keys } of arrow.dictionaries()) {
    if (!Object.hasOwn(dictionaries, id)) fail(`a dictionary of column ${id}`);
    dictionaries[id] = keys;
  }
  return { numRows, batches, dictionaries };
}

/**
 * @returns by column of the plans: its cells, and its keys or whole cells
 * @throws as rowLayout
 */
export async function readRows(
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

/** @throws {ArtifactError} a code that stands for no key */
export function checkCodes(cells: Cells, { size }: Keys, name: string, path: string): void {
  if (!(cells instanceof Uint32Array)) return;
  for (const code of cells)
    if (code >= size && code !== MISSING)
      throw damaged(path, `column '${name}' has code ${code}, but only ${size} keys`);
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
