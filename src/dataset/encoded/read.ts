// An encoded dataset directory → a dataset in memory: checked against its checksums, then copied column by column.

import { join } from "node:path";
import { restoreInterrupted } from "../../io/atomic.js";
import { checkArtifact, pathExists, readArtifact, withArtifact } from "../../io/read-artifact.js";
import { columnFrom } from "../columns.js";
import type { Dataset } from "../dataset.js";
import { readRows } from "./arrow-reader.js";
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
  const { cells, dictionaries } = await withArtifact(file, (handle) =>
    readRows(handle, file, numRows, plans),
  ).catch((error: unknown) => {
    // what points beyond the bytes that are there
    throw error instanceof RangeError ? damaged(file, error.message, error) : error;
  });
  const columns = plans.map((plan, i) => columnFrom(plan, cells[i]!, dictionaries[i]!));
  return { path, dataset: { numRows, columns, roles, inputs, ...(hashKeys && { hashKeys }) }, description };
}
