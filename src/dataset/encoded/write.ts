// Writes the rows of a log as an encoded dataset directory, atomically.

import type * as Arrow from "apache-arrow";
import { join } from "node:path";
import { writeDirectory } from "../../base/io/atomic.js";
import { version } from "../../base/io/package-version.js";
import { ChunkWriter, writeChunks, type WrittenFile } from "../../base/io/write.js";
import type { StreamedRows } from "../build.js";
import type { ColumnPlan, ColumnSink } from "../columns.js";
import type { KeyHashing } from "../dataset.js";
import { ArtifactError } from "../../base/errors.js";
import type { OwnDirectory } from "../../base/io/replaceable.js";
import { kindAt } from "../../base/io/tree.js";
import { readArtifact } from "../../base/io/read-artifact.js";
import { encodeKeys, type Keys, MISSING } from "../../log/keys.js";
import { splitCells, type CellForm } from "../multi.js";
import type { Cells } from "../collect.js";
import { densityOf, type Density } from "../sparse-fields.js";
import {
  DATASET_MARKER,
  descriptionText,
  ROWS_FILE,
  VALUES_FILE,
  type EncodedColumn,
  type ShapingOptions,
  parseDescription,
  checkDictionaryBytes,
} from "./description.js";
import { arrow } from "../../base/io/apache-arrow-whole.js";

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
      zeroWeightRows,
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
      zeroWeightRows,
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
async function writeValues(
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

/** Maximum number of cells of a batch. Batches are in memory, so that a batch of many columns has fewer rows. */
const MAX_CELLS_A_BATCH = 1 << 24;
const MAX_ROWS_A_BATCH = 65_536;

/**
 * Writes rows.arrow, which contains every row of a dataset, while the rows are read: collects cells into batches, counts
 * them, and writes the batches.
 *
 *   keys, multi-valued cells   dictionary<utf8>, i32 indices, the column's position as dictionary id
 *   numbers, times             float64
 *
 * Empty cells are null. The value of a null is MISSING (-1 as i32) or NaN, so that reading copies values without
 * checking the bitmap.
 */
class RowsWriter implements ColumnSink {
  /** number of rows of each code, by column; empty for numbers */
  readonly counts: Uint32Array[];
  /** number of empty cells, by column */
  readonly missing: number[];
  readonly #plans: readonly ColumnPlan[];
  readonly #arrow: ArrowFileWriter;
  readonly #batch: Cells[];
  readonly #rowsABatch: number;
  #numRows = 0;

  constructor(file: ChunkWriter, plans: readonly ColumnPlan[]) {
    this.#plans = plans;
    this.counts = plans.map(({ kind }) => new Uint32Array(kind === "number" ? 0 : 256));
    this.missing = plans.map(() => 0);
    this.#rowsABatch = Math.min(
      MAX_ROWS_A_BATCH,
      64 * Math.max(1, Math.floor(MAX_CELLS_A_BATCH / 64 / plans.length)),
    );
    this.#batch = plans.map(({ kind }) =>
      kind === "number" ? new Float64Array(this.#rowsABatch) : new Uint32Array(this.#rowsABatch),
    );
    this.#arrow = new ArrowFileWriter(
      file,
      plans.map(
        ({ name, kind }, i) =>
          new arrow.Field(name, kind === "number" ? new arrow.Float64() : dictionaryType(i), true),
      ),
    );
  }

  async append(cells: Cells[], numRows: number): Promise<void> {
    cells.forEach((column, i) => this.#count(column, i));
    for (let from = 0; from < numRows;) {
      const to = Math.min(numRows, from + this.#rowsABatch - this.#numRows);
      cells.forEach((column, i) => this.#batch[i]!.set(column.subarray(from, to), this.#numRows));
      this.#numRows += to - from;
      from = to;
      if (this.#numRows === this.#rowsABatch) await this.#writeBatch();
    }
  }

  densities(columns: readonly { at: number }[]): Omit<Density, "name">[] {
    return columns.map(({ at }) => densityOf(this.counts[at]!));
  }

  rowsWith(at: number, code: number): number {
    return this.counts[at]![code] ?? 0;
  }

  /** Writes the last rows, then the dictionaries. @throws {UsageError} a dictionary is too large */
  async finish(dictionaries: readonly Keys[]): Promise<void> {
    if (this.#numRows > 0) await this.#writeBatch();
    for (const [i, { name, kind }] of this.#plans.entries()) {
      if (kind === "number") continue;
      checkDictionaryBytes(name, dictionaries[i]!.bytes.length);
      await this.#arrow.writeDictionary(i, dictionaries[i]!);
    }
    await this.#arrow.finish();
  }

  #count(cells: Cells, i: number): void {
    if (this.#plans[i]!.kind === "number") {
      this.missing[i]! += numEmpty(cells);
      return;
    }
    let counts = this.counts[i]!;
    let missing = 0;
    const codes = signedCodes(cells);
    for (let row = 0; row < codes.length; row++) {
      const code = codes[row]!;
      if (code < 0) {
        missing++;
        continue;
      }
      if (code >= counts.length) {
        const larger = new Uint32Array(2 * code);
        larger.set(counts);
        counts = this.counts[i] = larger;
      }
      counts[code]!++;
    }
    this.missing[i]! += missing;
  }

  async #writeBatch(): Promise<void> {
    const length = this.#numRows;
    this.#numRows = 0;
    const children = this.#plans.map(({ kind }, i): Arrow.Data => {
      const cells = this.#batch[i]!.subarray(0, length);
      const nulls = nullsOf(cells);
      if (kind === "number") {
        return arrow.makeData({ type: new arrow.Float64(), length, ...nulls, data: cells as Float64Array });
      }
      const data = new Int32Array(cells.buffer, 0, length);
      return arrow.makeData({ type: dictionaryType(i), length, ...nulls, data, dictionary: laterDictionary });
    });
    await this.#arrow.writeBatch(length, children);
  }
}

/** Returns the number of empty cells, and a bitmap in which empty cells are 0. */
function nullsOf(cells: Cells): { nullCount: number; nullBitmap?: Uint8Array } {
  const nullCount = numEmpty(cells);
  if (nullCount === 0) return { nullCount };
  const nullBitmap = new Uint8Array(8 * Math.ceil(cells.length / 64));
  const empty = isNumbers(cells) ? NaN : MISSING;
  for (let row = 0; row < cells.length; row++)
    if (!Object.is(cells[row], empty)) nullBitmap[row >> 3]! |= 1 << (row & 7);
  return { nullCount, nullBitmap };
}

function numEmpty(cells: Cells): number {
  let empty = 0;
  if (isNumbers(cells)) {
    for (let row = 0; row < cells.length; row++) if (cells[row] !== cells[row]) empty++;
    return empty;
  }
  const codes = signedCodes(cells);
  for (let row = 0; row < codes.length; row++) if (codes[row]! < 0) empty++;
  return empty;
}

function isNumbers(cells: Cells): cells is Float64Array {
  return cells.BYTES_PER_ELEMENT === 8;
}

/** Returns codes as i32, in which MISSING is -1, because comparisons of signed numbers are faster. */
function signedCodes({ buffer, byteOffset, length }: Cells): Int32Array {
  return new Int32Array(buffer, byteOffset, length);
}

/**
 * Writes an Arrow IPC file batch by batch, with dictionaries at the end, where the format allows them: codes are assigned
 * by first appearance, so a dictionary is complete only after the last row.
 */
class ArrowFileWriter {
  readonly #file: ChunkWriter;
  readonly #schema: Arrow.Schema;
  readonly #writer: LateDictionaryWriter;
  #ready: Uint8Array[] = [];

  constructor(file: ChunkWriter, fields: Arrow.Field[]) {
    this.#file = file;
    this.#schema = new arrow.Schema(fields);
    const ready = (bytes: Uint8Array) => this.#ready.push(bytes);
    // streams the writer's output to the file, so that at most one batch is in memory
    class Sink extends arrow.AsyncByteQueue {
      override write(value: Parameters<Arrow.AsyncByteQueue["write"]>[0]): void {
        // the Arrow file writer passes only typed arrays, although the method's type allows other values
        if (ArrayBuffer.isView(value)) {
          ready(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
        }
      }
    }
    this.#writer = new LateDictionaryWriter();
    this.#writer.reset(new Sink(), this.#schema);
  }

  /** Writes a batch. The caller may reuse its arrays when the promise resolves. */
  async writeBatch(length: number, children: Arrow.Data[]): Promise<void> {
    const type = new arrow.Struct(this.#schema.fields);
    const data = arrow.makeData({ type, length, nullCount: 0, children });
    this.#writer.write(new arrow.RecordBatch(this.#schema, data));
    await this.#flush();
  }

  async writeDictionary(id: number, dictionary: Keys): Promise<void> {
    this.#writer.writeDictionary(textData(dictionary), id);
    await this.#flush();
  }

  /** Writes the footer, which lists the positions of batches and dictionaries. */
  async finish(): Promise<void> {
    this.#writer.finish();
    await this.#flush();
  }

  async #flush(): Promise<void> {
    for (const chunk of this.#ready) await this.#file.write(chunk);
    this.#ready = [];
    await this.#file.flush();
  }
}

/** Arrow file writer that leaves the writing of dictionaries to the caller. */
class LateDictionaryWriter extends arrow.RecordBatchFileWriter {
  protected override _writeDictionaries(): this {
    return this;
  }

  writeDictionary(data: Arrow.Data, id: number): void {
    // oxlint-disable-next-line no-underscore-dangle -- protected method of the library
    this._writeDictionaryBatch(data, id);
  }
}

function dictionaryType(id: number): Arrow.Dictionary<Arrow.Utf8, Arrow.Int32> {
  return new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32(), id);
}

/** Returns keys as an Arrow column of text that shares their arrays. */
function textData({ size, bytes, offsets }: Keys): Arrow.Data<Arrow.Utf8> {
  const valueOffsets = new Int32Array(offsets.buffer, offsets.byteOffset, offsets.length);
  return arrow.makeData({ type: new arrow.Utf8(), length: size, nullCount: 0, valueOffsets, data: bytes });
}

const laterDictionary = new arrow.Vector([
  arrow.makeData({
    type: new arrow.Utf8(),
    length: 0,
    nullCount: 0,
    valueOffsets: new Int32Array(1),
    data: new Uint8Array(),
  }),
]);
