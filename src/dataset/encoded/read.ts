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
import type { Dataset } from "../dataset.js";
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
 * Reads a dataset whole.
 *
 * @throws {ArtifactError} a file is missing, changed or damaged, or of another schema version
 */
export async function readEncoded(path: string): Promise<EncodedDataset> {
  const description = await readDescription(path);
  const { rows: numRows, columns: plans, roles, inputs, hashKeys, files } = description;
  const file = join(path, ROWS_FILE);
  await checkArtifact(file, files[ROWS_FILE]!, "encode the log again");
  const { cells, dictionaries } = await withArtifact(file, (handle) => readRows(handle, file, description));
  const columns = plans.map((plan, i) => columnFrom(plan, cells[i]!, dictionaries[i]!));
  return { path, dataset: { numRows, columns, roles, inputs, ...(hashKeys && { hashKeys }) }, description };
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
