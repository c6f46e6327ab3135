// Writes the rows of a log as an encoded dataset directory, atomically.

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
  parseDescription,
} from "./description.js";
import { RowsWriter } from "./rows-writer.js";
import { ArtifactError } from "../../errors.js";
import type { OwnDirectory } from "../../io/replaceable.js";
import { kindAt } from "../../io/tree.js";
import { readArtifact } from "../../io/read-artifact.js";
import { encodeKeys, type Keys } from "../../log/keys.js";
import { arrow } from "../../io/apache-arrow-whole.js";
import { splitCells, type CellForm } from "../multi.js";
import { ArrowFileWriter, dictionaryType, laterDictionary, textData } from "./arrow-writer.js";

/**
 * Writes a dataset while its rows are read. Only the distinct values and one batch of rows are in memory.
 *
 * @param stream sends all rows to the sink that it opens (streamRows), and returns the dictionaries to write
 * @returns the stream's result, and the contents of each column
 * @throws {OutputError} the target exists (with force: exists and is not a dataset), or cannot be created
 * @throws {IoError} disk full, permission and the like during the write
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

    const {
      numRows,
      roles,
      inputs,
      fileRows,
      skipped,
      dictionaries,
      hashKeys,
      droppedUsers,
      droppedDuplicates,
    } = streamed!;
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
      droppedDuplicates,
      files,
    };
    const text = descriptionText({ version, rows: numRows, roles, columns, ...reported });
    await writeChunks(join(dir, DATASET_MARKER), [Buffer.from(text)], signal);
    written = { ...streamed!, columns };
  };
  await writeDirectory(target, force, write, { own: ownDataset, signal });
  return written!;
}

/** An encoded dataset directory: dataset.json describes the rows and columns, and lists the other files. */
export const ownDataset: OwnDirectory = {
  what: "an encoded dataset",
  marker: DATASET_MARKER,
  async filesOf(dir) {
    const file = join(dir, DATASET_MARKER);
    if ((await kindAt(file)) !== "file") return undefined;
    try {
      parseDescription(await readArtifact(file), file);
    } catch (error) {
      if (error instanceof ArtifactError) return undefined;
      throw error;
    }
    return [DATASET_MARKER, ROWS_FILE, VALUES_FILE];
  },
};

const ROWS_A_BATCH = 65_536;

/**
 * Writes values.arrow: every value of every dictionary with its count, for people and other tools; no command reads it.
 *
 *   column  dictionary<utf8>, i32 indices, id 0: the column's name
 *   key     utf8, by first appearance in the log
 *   count   u32: number of rows that contain it
 *
 * Multi-valued cells count for each of their values.
 *
 * @param dictionaries by column: distinct keys, or whole cells
 * @param counts by column: number of rows of each
 */
export async function writeValues(
  file: ChunkWriter,
  plans: readonly ColumnPlan[],
  dictionaries: readonly Keys[],
  counts: readonly Uint32Array[],
): Promise<void> {
  const out = new ArrowFileWriter(file, [
    new arrow.Field("column", dictionaryType(0), false),
    new arrow.Field("key", new arrow.Utf8(), false),
    new arrow.Field("count", new arrow.Uint32(), false),
  ]);
  for (const [i, plan] of plans.entries()) {
    if (plan.kind === "number") continue;
    const [keys, ofKey] =
      plan.kind === "multi"
        ? countsOfValues(plan.name, plan, dictionaries[i]!, counts[i]!)
        : [dictionaries[i]!, counts[i]!];
    for (let first = 0; first < keys.size; first += ROWS_A_BATCH) {
      const length = Math.min(ROWS_A_BATCH, keys.size - first);
      const column = new Int32Array(length).fill(i);
      const count = new Uint32Array(length);
      count.set(ofKey.subarray(first, first + length));
      await out.writeBatch(length, [
        arrow.makeData({
          type: dictionaryType(0),
          length,
          nullCount: 0,
          data: column,
          dictionary: laterDictionary,
        }),
        textData(slice(keys, first, length)),
        arrow.makeData({ type: new arrow.Uint32(), length, nullCount: 0, data: count }),
      ]);
    }
  }
  await out.writeDictionary(0, encodeKeys(plans.map(({ name }) => name)));
  await out.finish();
}

function countsOfValues(name: string, form: CellForm, cells: Keys, ofCell: Uint32Array): [Keys, Uint32Array] {
  const { dictionary, indptr, values } = splitCells(name, new Uint32Array(), cells, form);
  const counts = new Uint32Array(dictionary.size);
  for (let cell = 0; cell < cells.size; cell++) {
    for (let j = indptr[cell]!; j < indptr[cell + 1]!; j++) counts[values[j]!]! += ofCell[cell] ?? 0;
  }
  return [dictionary, counts];
}

/** Returns `size` keys from the key `first` on, with offsets that start at 0. */
function slice({ bytes, offsets }: Keys, first: number, size: number): Keys {
  const start = offsets[first]!;
  const own = offsets.slice(first, first + size + 1);
  for (let i = 0; i <= size; i++) own[i]! -= start;
  return { size, bytes: bytes.subarray(start, offsets[first + size]), offsets: own };
}
