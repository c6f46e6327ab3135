// A log's rows → an encoded dataset directory, whole or absent.

import { join } from "node:path";
import { writeDirectory } from "../../io/atomic.js";
import { version } from "../../io/package-version.js";
import { ChunkWriter, writeChunks, type WrittenFile } from "../../io/write.js";
import type { StreamedRows } from "../build.js";
import type { ColumnPlan, ColumnSink } from "../columns.js";
import type { KeyHashing } from "../dataset.js";
import {
  DATASET_MARKER,
  descriptionText,
  ROWS_FILE,
  VALUES_FILE,
  type EncodedColumn,
  type ShapingOptions,
} from "./description.js";
import { ownDataset } from "./own-dataset.js";
import { RowsWriter } from "./rows-writer.js";
import { writeValues } from "./values.js";

/**
 * Writes a dataset as its rows come: memory is that of the values and of a batch.
 *
 * @param stream sends all rows to the sink that it opens (streamRows), and has what reaches the disk for dictionaries
 * @returns what the stream reported, and what each column holds
 * @throws {OutputError} the target exists (with force: and is no dataset), or cannot be created
 * @throws {IoError} disk full, permission and the like on the way
 */
export async function writeDataset(
  target: string,
  force: boolean,
  options: ShapingOptions,
  stream: (
    open: (columns: readonly ColumnPlan[]) => ColumnSink,
  ) => Promise<StreamedRows & { hashKeys?: KeyHashing }>,
  signal?: AbortSignal,
): Promise<StreamedRows & { columns: EncodedColumn[] }> {
  let written: (StreamedRows & { columns: EncodedColumn[] }) | undefined;
  const write = async (dir: string): Promise<void> => {
    const files: Record<string, WrittenFile> = {};
    const put = async (name: string, fill: (file: ChunkWriter) => Promise<void>): Promise<void> => {
      const file = await ChunkWriter.open(join(dir, name));
      try {
        await fill(file);
        files[name] = await file.finish();
      } finally {
        await file.close();
      }
    };
    let plans: readonly ColumnPlan[] = [];
    let rows: RowsWriter | undefined;
    let streamed: (StreamedRows & { hashKeys?: KeyHashing }) | undefined;
    await put(ROWS_FILE, async (file) => {
      streamed = await stream((columns) => (rows = new RowsWriter(file, (plans = columns))));
      await rows!.finish(streamed.dictionaries);
    });
    await put(VALUES_FILE, (file) => writeValues(file, plans, streamed!.dictionaries, rows!.counts));

    const { numRows, roles, inputs, fileRows, skipped, dictionaries, hashKeys, droppedUsers } = streamed!;
    const columns = plans.map((plan, i) => ({
      ...plan,
      missing: rows!.missing[i]!,
      ...(plan.kind !== "number" && { distinct: dictionaries[i]!.size }),
    }));
    const reported = {
      inputs,
      fileRows,
      options,
      hashKeys,
      skipped,
      droppedUsers,
      files,
    };
    const text = descriptionText({ version, rows: numRows, roles, columns, ...reported });
    await writeChunks(join(dir, DATASET_MARKER), [Buffer.from(text)], signal);
    written = { ...streamed!, columns };
  };
  await writeDirectory(target, force, write, { own: ownDataset, signal });
  return written!;
}
