// An encoded dataset directory → a dataset in memory: checked against its checksums, then copied column by column.

import { join } from "node:path";
import type * as Arrow from "apache-arrow";
import { EmbedError } from "../../errors.js";
import { restoreInterrupted } from "../../io/atomic.js";
import {
  checkArtifact,
  pathExists,
  readArtifact,
  withArtifact,
  type ReadHandle,
} from "../../io/read-artifact.js";
import { dictionaryOf, type Dictionary } from "../../log/dictionary.js";
import type { Cells } from "../collect.js";
import { columnFrom } from "../columns.js";
import type { Column, Dataset } from "../dataset.js";
import { ColumnCache, storedColumn } from "../stored-columns.js";
import { cellReaders } from "./stored.js";
import { damaged, DATASET_MARKER, parseDescription, ROWS_FILE, type Description } from "./description.js";

export interface EncodedDataset {
  path: string;
  dataset: Dataset;
  description: Description;
}

/** Whether a path is an encoded dataset, after restoring one whose replacement was killed half-way. */
export async function isEncodedDataset(path: string): Promise<boolean> {
  if (path === "-") return false;
  await restoreInterrupted(path);
  return await pathExists(join(path, DATASET_MARKER));
}

/** What a dataset is, without its rows. @throws {ArtifactError} damaged, or of another schema version */
export async function readDescription(path: string): Promise<Description> {
  const file = join(path, DATASET_MARKER);
  return parseDescription(await readArtifact(file), file);
}

/**
 * Reads a dataset whole, or leaves its rows on disk (stored-columns.ts) when they and what is made of them take more.
 *
 * @param maxBytes of rows in memory
 * @throws {ArtifactError} a file is missing, changed or damaged, or of another schema version
 */
export async function readEncoded(path: string, maxBytes = Infinity): Promise<EncodedDataset> {
  const description = await readDescription(path);
  const { rows: numRows, columns: plans, roles, inputs, hashKeys, files } = description;
  const file = join(path, ROWS_FILE);
  await checkArtifact(file, files[ROWS_FILE]!, "encode the log again");
  const columns =
    bytesOf(description) > maxBytes
      ? await withArtifact(file, (handle) => storedColumns(handle, file, description))
      : await withArtifact(file, async (handle) => {
          const { cells, dictionaries } = await readRows(handle, file, description);
          return plans.map((plan, i) => columnFrom(plan, cells[i]!, dictionaries[i]!));
        });
  return { path, dataset: { numRows, columns, roles, inputs, ...(hashKeys && { hashKeys }) }, description };
}

/** Bytes of the rows' cells, and of the features that training makes of them. */
function bytesOf({ rows, columns }: Description): number {
  return columns.reduce((sum, { kind }) => sum + (kind === "number" ? 12 : 8) * rows, 0);
}

async function storedColumns(
  handle: ReadHandle,
  file: string,
  { rows: numRows, columns: plans }: Description,
): Promise<Column[]> {
  const arrow = await import("apache-arrow");
  try {
    const reader = await arrow.RecordBatchReader.from(handle);
    await reader.open({ autoDestroy: false });
    const dictionaries = plans.map(() => dictionaryOf([]));
    // the reader closes the file when it is left
    const read = await cellReaders(file, handle, reader.footer!, plans);
    for await (const batch of reader) {
      plans.forEach(({ kind }, i) => {
        const data: Arrow.Data = batch.data.children[i]!;
        if (kind !== "number") dictionaries[i] = dictionaryFrom(data.dictionary!.data[0]!);
      });
      break;
    }
    const cache = new ColumnCache();
    return plans.map((plan, i) =>
      storedColumn(columnFrom(plan, new Uint32Array(), dictionaries[i]!), numRows, read[i]!, cache),
    );
  } catch (error) {
    if (error instanceof EmbedError) throw error;
    throw damaged(file, String(error), error);
  }
}

interface ReadRows {
  /** by column */
  cells: Cells[];
  dictionaries: Dictionary[];
}

async function readRows(handle: ReadHandle, file: string, description: Description): Promise<ReadRows> {
  const { rows: numRows, columns: plans } = description;
  const arrow = await import("apache-arrow");
  try {
    const reader = await arrow.RecordBatchReader.from(handle);
    await reader.open({ autoDestroy: false });
    const names = reader.schema.fields.map(({ name }) => name);
    if (names.length !== plans.length || names.some((name, i) => name !== plans[i]!.name)) {
      throw new Error(`it has other columns than ${DATASET_MARKER} says`);
    }
    const cells = plans.map(({ kind }) =>
      kind === "number" ? new Float64Array(numRows) : new Uint32Array(numRows),
    );
    const dictionaries = plans.map(() => dictionaryOf([]));
    let row = 0;
    for await (const batch of reader) {
      for (const [i, { kind }] of plans.entries()) {
        const data: Arrow.Data = batch.data.children[i]!;
        if (arrow.DataType.isDictionary(data.type) === (kind === "number")) {
          throw new Error(`column '${names[i]}' has another type than ${DATASET_MARKER} says`);
        }
        cells[i]!.set(data.values.subarray(0, batch.numRows), row);
        if (row === 0 && kind !== "number") dictionaries[i] = dictionaryFrom(data.dictionary!.data[0]!);
      }
      row += batch.numRows;
    }
    if (row !== numRows) throw new Error(`${row} rows, ${DATASET_MARKER} says ${numRows}`);
    return { cells, dictionaries };
  } catch (error) {
    if (error instanceof EmbedError) throw error;
    throw damaged(file, String(error), error);
  }
}

/** A dictionary on the arrays that were read. */
function dictionaryFrom({ length, values, valueOffsets }: Arrow.Data): Dictionary {
  const offsets = new Uint32Array(valueOffsets.buffer, valueOffsets.byteOffset, length + 1);
  // what was read is padded
  return { size: length, bytes: values.subarray(0, offsets[length]), offsets };
}
