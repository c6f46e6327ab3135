// An encoded dataset directory → a dataset in memory: checked against its checksums, then copied column by column.

import { join } from "node:path";
import { restoreInterrupted } from "../../io/atomic.js";
import { checkRegularFiles } from "../../io/listed-files.js";
import { checkArtifact, pathExists, readArtifact, withArtifact } from "../../io/read-artifact.js";
import { RowFile } from "../../io/row-file.js";
import type { Cells } from "../collect.js";
import { columnFrom, type ColumnPlan } from "../columns.js";
import { type Column, type Dataset, columnOfOption, type Beside, type KeyColumn } from "../dataset.js";
import { ColumnCache, storedColumn } from "../stored-columns.js";
import { checkCodes, readRows, rowLayout, type RowLayout } from "./arrow-reader.js";
import {
  damaged,
  DATASET_MARKER,
  parseDescription,
  ROWS_FILE,
  VALUES_FILE,
  type Description,
} from "./description.js";
import { MISSING, keysOf } from "../../log/keys.js";
import { UsageError } from "../../errors.js";

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

/** What a dataset is, without its rows. @throws {ArtifactError} damaged, of another schema version, or a file of it is no regular one */
export async function readDescription(path: string): Promise<Description> {
  const file = join(path, DATASET_MARKER);
  await checkRegularFiles(path, [DATASET_MARKER, ROWS_FILE, VALUES_FILE]);
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
  const stored = rowBytes(description) > maxBytes;
  const columns = await withArtifact(file, async (handle) => {
    if (stored) return storedColumns(await rowLayout(handle, file, numRows, plans), file, plans);
    const { cells, dictionaries } = await readRows(handle, file, numRows, plans);
    return plans.map((plan, i) => columnFrom(plan, cells[i]!, dictionaries[i]!));
  }).catch((error: unknown) => {
    // what points beyond the bytes that are there
    throw error instanceof RangeError ? damaged(file, error.message, error) : error;
  });
  return { path, dataset: { numRows, columns, roles, inputs, hashKeys }, description };
}

/** Bytes of the rows' cells, and of the features that training makes of them. */
export function rowBytes({ rows, columns }: Description): number {
  return columns.reduce((sum, { kind }) => sum + (kind === "number" ? 12 : 8) * rows, 0);
}

/** Columns whose cells are read from the file when they are asked for. */
function storedColumns(
  { numRows, batches, dictionaries }: RowLayout,
  path: string,
  plans: readonly ColumnPlan[],
): Column[] {
  const file = RowFile.open(path);
  const cache = new ColumnCache();
  return plans.map((plan, i) => {
    const readCells = (from: number, to: number): Cells => {
      const cells = plan.kind === "number" ? new Float64Array(to - from) : new Uint32Array(to - from);
      for (const { first, length, offsets } of batches) {
        const [start, end] = [Math.max(from, first), Math.min(to, first + length)];
        if (start >= end) continue;
        const at = offsets[i]! + (start - first) * cells.BYTES_PER_ELEMENT;
        file.read(cells.subarray(start - from, end - from), at);
      }
      checkCodes(cells, dictionaries[i]!, plan.name, path);
      return cells;
    };
    return storedColumn(columnFrom(plan, new Uint32Array(), dictionaries[i]!), numRows, readCells, cache);
  });
}

/**
 * Columns of an encoded dataset as texts beside its rows (Dataset.beside). What the log had is not there any more: numbers stand as
 * JavaScript writes them.
 *
 * @throws {UsageError} there is no such column, or its cells hold several values, which were split
 */
export function besideOfEncoded(dataset: Dataset, names: readonly string[]): Beside {
  return {
    texts: names.map((name) => textsOf(dataset, name)),
    rowNumbers: Float64Array.from({ length: dataset.numRows }, (_, row) => row),
  };
}

function textsOf(dataset: Dataset, name: string): KeyColumn {
  const column = columnOfOption(dataset, "--keep", name);
  if (column.kind === "key") return column;
  if (column.kind === "multi")
    throw new UsageError(
      `--keep ${name}: '${name}' is multi-valued and stored split in the encoded dataset: keep another ` +
        "column, or read the original log",
    );
  const codeOf = new Map<number, number>();
  const codes = Uint32Array.from(column.values, (x) => {
    if (Number.isNaN(x)) return MISSING;
    const code = codeOf.get(x) ?? codeOf.size;
    codeOf.set(x, code);
    return code;
  });
  return { kind: "key", name, codes, dictionary: keysOf([...codeOf.keys()].map(String)) };
}
