// Opens rows that Spark decodes (Parquet files, a table, a query) as a log: the counterpart of log/parquet/open.ts,
// with batches of Arrow in place of row groups.
//
//   file   ordered by _metadata.row_index, which must count from 0 without a gap; else the server sorts
//   table  ordered by --engine-order; rows with equal order columns must be equal, or their order would be arbitrary

import type { Data } from "apache-arrow";
import { IoError, NoRowsError, DataError } from "../../base/errors.js";
import type { InputFingerprint } from "../../base/io/fingerprint.js";
import { loadKernel } from "../../compute/kernels/shared/load.js";
import { checkPartition, columnsOfFiles, partitionCell } from "../file-columns.js";
import { checkColumnCount, SAMPLE_ROWS } from "../limits.js";
import { undelimited, type ColumnRequest, type Log, type ReadOptions, type ReadResult } from "../log.js";
import { NullTexts } from "../nulls.js";
import {
  columnOptions,
  type ListSeparators,
  type LeafColumn,
  holdsTimes,
  separatorIn,
} from "../parquet/cursor.js";
import { RangeMerger } from "../parquet/read.js";
import { buffersOfRange, cellRequests, ParquetScanner, type ParquetRowRange } from "../parquet/scanner.js";
import { checkedReading, progressOf, noSuchColumn } from "../read.js";
import { scanMemories } from "../scanner.js";
import { ArrowCursor, leafOf, oddColumn } from "./arrow-columns.js";
import { batchesIn, int64At, type ExpectedType } from "./batches.js";
import { RowDigest } from "../digest.js";
import {
  filtered,
  limited,
  skipping,
  sorted,
  type Relation,
  countRows,
  projected,
  quotedColumn,
} from "./plans.js";
import { OutOfOrder, PositionCheck, TieCheck } from "./row-order.js";
import { type EngineSession, LostOperation, type SparkType } from "./session.js";

/** Approximate bytes of a batch: small ones add overhead, large ones take memory here and on the server. */
const BATCH_BYTES = 2 << 20;
const MOST_BATCH_ROWS = 1 << 16;

export async function openRows(
  session: EngineSession,
  inputs: readonly RowInput[],
  options: ReadOptions,
  slice: number | undefined,
): Promise<Log> {
  for (const input of inputs) checkPartition({ ...inputs[0]!, columns: [] }, { ...input, columns: [] });
  const files: OpenInput[] = [];
  for (const input of inputs) files.push(await openInput(session, input, slice));
  const head = files[0]!;
  checkPartition(head, head);
  const all = columnsOfFiles(files);
  const typed = all.filter((name) => !Object.hasOwn(head.partition, name));
  checkColumnCount(typed.length, head.path, 1);
  const firstWith = (name: string) => files.find(({ types }) => types.has(name))!;
  const columns = columnOptions(typed, options, (name) => isList(firstWith(name), name));
  const { ignored, multi } = columns;
  const { sample, numSampled, bytesPerRow } = await firstRowTexts(session, files, all, columns, options);
  const numRows = files.reduce((sum, file) => sum + file.numRows, 0);
  const rowsOfSlice = slice === undefined ? Infinity : Math.max(1, Math.floor(slice / bytesPerRow));
  return checkedReading({
    columns: all,
    multi,
    times: new Set(typed.filter((name) => isTime(firstWith(name), name, columns))),
    sample: new NullTexts(options.nulls).cells(sample),
    sampleIsAll: (numRows < Infinity ? numRows : numSampled) <= SAMPLE_ROWS,
    ...undelimited(options),
    files,
    close: () => Promise.resolve(),
    async read(requests, onBatch, observe) {
      const names = requests.map(({ name }) => name).filter((name) => !ignored.has(name));
      for (const file of files) {
        const odd = names.find((name) => file.types.has(name) && !leafOf(name, file.types.get(name)!));
        if (odd !== undefined) throw oddColumn(file.path, odd);
      }
      const rowsOfBatch = Math.max(1, Math.min(MOST_BATCH_ROWS, Math.floor(BATCH_BYTES / bytesPerRow)));
      await session.set({ "spark.sql.execution.arrow.maxRecordsPerBatch": String(rowsOfBatch) });
      const reading = { session, files, columns, requests, options, rowsOfSlice };
      return await readInputs(reading, onBatch, observe);
    },
  });
}

/** Returns the first rows as text, without faulty ones; reads one more to detect the end if rows are not counted. */
async function firstRowTexts(
  session: EngineSession,
  files: readonly OpenInput[],
  all: readonly string[],
  columns: ListSeparators,
  { onBadRow }: ReadOptions,
): Promise<{ sample: string[][]; numSampled: number; bytesPerRow: number }> {
  const sample: string[][] = [];
  let [numBytes, numRows] = [0, 0];
  const known = new Set<string>();
  for (const file of files) {
    // the sample also contains the first rows of each file with further columns, from which the types of these columns
    // are inferred
    const hasFurther = file.columns.some((name) => !known.has(name));
    for (const name of file.columns) known.add(name);
    const missing = hasFurther ? SAMPLE_ROWS : SAMPLE_ROWS - numRows;
    if (missing <= 0) continue;
    let left = missing;
    const names = file.columns.filter(
      (name) => !columns.ignored.has(name) && leafOf(name, file.types.get(name)!) !== undefined,
    );
    const looked = file.numRows < Infinity ? missing : missing + 1;
    for (const { bytes, data } of await firstBatches(session, file, names, looked)) {
      numBytes += bytes.length;
      const cells = new Map(
        names.map((name, i) => {
          const column = columnOf(file, name, columns) as LeafColumn;
          return [name, new ArrowCursor(column, data.children[i]!, file.path).texts(data.length)];
        }),
      );
      for (let row = 0; row < data.length; row++) {
        const texts = all.map((name) => cells.get(name)?.[row] ?? partitionCell(file.partition, name));
        // leaves faulty rows out of the sample; they are reported when the whole log is read
        if (left-- > 0 && texts.every((text) => typeof text === "string")) sample.push(texts);
      }
      numRows += data.length;
    }
  }
  if (numRows === 0) throw noRows(files[0]!);
  if (sample.length === 0 && onBadRow === "skip")
    throw new NoRowsError(`none of the first ${numRows} rows can be read`, { file: files[0]!.path, line: 1 });
  return { sample, numSampled: numRows, bytesPerRow: numBytes / numRows };
}

/**
 * Returns the first rows of an input. The first rows of a file are not sorted, because they usually arrive first, and
 * sorting would read the whole file.
 */
async function firstBatches(
  session: EngineSession,
  file: OpenInput,
  names: readonly string[],
  rows: number,
): Promise<{ bytes: Uint8Array; data: Data }[]> {
  const { relation, order } = selected(file, names);
  const expected = expectedOf(file, names);
  const fetched = async (from: Relation, check: (data: Data) => void = () => undefined) => {
    const batches: { bytes: Uint8Array; data: Data }[] = [];
    for (const bytes of await session.fetch(from, `'${file.path}'`)) {
      for (const data of batchesIn(bytes, expected, `'${file.path}'`)) {
        check(data);
        batches.push({ bytes, data });
      }
    }
    return batches;
  };
  if (!file.order) {
    const position = new PositionCheck();
    try {
      return await fetched(limited(relation, rows), (data) => position.check(data, names.length));
    } catch (error) {
      if (!(error instanceof OutOfOrder)) throw error;
    }
  }
  return await fetched(limited(sorted(relation, order), rows));
}

interface RowReading {
  session: EngineSession;
  files: readonly OpenInput[];
  columns: ListSeparators;
  requests: readonly ColumnRequest[];
  options: ReadOptions;
  rowsOfSlice: number;
}

async function readInputs(
  { session, files, columns, requests, options, rowsOfSlice }: RowReading,
  onBatch: Parameters<Log["read"]>[1],
  observe: Parameters<Log["read"]>[2],
): Promise<ReadResult> {
  const module = await loadKernel("scan");
  const memories = scanMemories(module);
  const requested = cellRequests(requests);
  const ranges = new RangeMerger(requested, options, memories.merger);
  const { merger } = ranges;
  const keyOf = (request: number, code: number) => merger.keyOf(request, code);
  const inputs: InputFingerprint[] = [];
  const progress = files.map(({ bytes }) => ({ bytesRead: 0, totalBytes: bytes }));
  const scanner = new ParquetScanner(requested, memories.scanner, options.nulls);
  let group = 0;
  for (const [at, file] of files.entries()) {
    merger.startFile(0);
    // a column is fetched once, even if it is requested several times
    const names = [...new Set(requests.map(({ name }) => name))].filter(
      (name) => !columns.ignored.has(name) && file.types.has(name),
    );
    const digest = new RowDigest(names.length);
    const cells = requests.map(({ name }) => columnOf(file, name, columns));
    let [numBytes, numRows] = [0, 0];
    for await (const batch of batchesOf(session, file, names, rowsOfSlice)) {
      const length = batch.length;
      numBytes += batch.bytes;
      numRows += length;
      const cursors = names.map((name, i) => {
        const column = columnOf(file, name, columns) as LeafColumn;
        return new ArrowCursor(column, batch.children[i]!, file.path);
      });
      for (const [i, cursor] of cursors.entries()) cursor.digest(digest, i, length);
      const range: ParquetRowRange = {
        ...{ path: file.path, fd: -1, group: group++, from: 0, to: length, groupRows: length },
        columns: cells,
        batch: new Map(cursors.map((cursor, i) => [names[i]!, cursor.batch])),
      };
      const scan = scanner.scan(range);
      const merged = ranges.merge(scan, range);
      scanner.buffers.give(buffersOfRange(scan).spent);
      if (merged.numRows + merged.faultyRows.length > 0) await onBatch(merged, keyOf);
      if (file.bytes !== undefined)
        progress[at]!.bytesRead = Math.floor((file.bytes * numRows) / file.numRows);
      observe?.(progressOf(merger.numRows, progress));
    }
    inputs.push({
      path: file.path,
      bytes: file.bytes ?? numBytes,
      sha256: digest.sha256(),
      of: "rows",
      ...(file.modified !== undefined && { modified: new Date(file.modified).toISOString() }),
    });
  }
  return {
    numRows: merger.numRows,
    dictionaries: merger.dictionaries(),
    inputs,
    skipped: ranges.skipped,
    nulls: merger.nulls,
  };
}

/** Consecutive rows that a server sent, without the columns that only serve to sort them. */
interface RowBatch {
  length: number;
  children: readonly Data[];
  bytes: number;
}

/** Yields the rows of an input in order. @throws {DataError} the order has ties @throws {IoError} rows are missing */
async function* batchesOf(
  session: EngineSession,
  file: OpenInput,
  names: readonly string[],
  rowsOfSlice: number,
): AsyncGenerator<RowBatch, void, undefined> {
  const order = file.order ? new TieCheck(file.path, file.order, names) : new PositionCheck();
  const expected = expectedOf(file, names);
  let isSorted = file.order !== undefined;
  let restarts = 0;
  while (order.numRows < file.numRows) {
    const from = order.numRows;
    const to = Math.min(file.numRows, from + rowsOfSlice);
    try {
      for await (const bytes of session.run(sliceOf(file, names, from, to, isSorted), `'${file.path}'`)) {
        for (const data of batchesIn(bytes, expected, `'${file.path}'`)) {
          order.check(data, names.length);
          yield { length: data.length, children: data.children.slice(0, names.length), bytes: bytes.length };
        }
      }
      if (order.numRows === to) continue;
      if (to === Infinity) return;
    } catch (error) {
      if (error instanceof OutOfOrder && !isSorted) isSorted = true;
      // the rows of a file can be read again, but those of a table may have changed in the meantime
      else if (error instanceof LostOperation && !file.order)
        await session.restart(`'${file.path}'`, restarts++);
      else if (error instanceof LostOperation)
        throw new IoError(
          `--engine: ${session.shown} lost the job that reads '${file.path}', as a restarted server does: run the ` +
            "command again",
        );
      else throw error;
      continue;
    }
    throw new IoError(
      `--engine: ${session.shown} gave ${order.numRows} rows of '${file.path}' instead of ${to}: it changed while it ` +
        "was read; run the command again",
    );
  }
}

function sliceOf(
  file: OpenInput,
  names: readonly string[],
  from: number,
  to: number,
  isSorted: boolean,
): Relation {
  const { relation, order } = selected(file, names);
  const isWhole = from === 0 && to === file.numRows;
  if (file.order) {
    const rows = sorted(relation, order);
    return isWhole ? rows : limited(skipping(rows, from), to - from);
  }
  const some = isWhole ? relation : filtered(relation, `${POSITION} >= ${from} AND ${POSITION} < ${to}`);
  return isSorted ? sorted(some, order) : some;
}

/** An input that is read as rows: a file, or a table or query with its order columns. */
interface RowInput {
  /** name of the input in messages and manifests */
  path: string;
  relation: Relation;
  partition: Readonly<Record<string, string>>;
  /** columns that define the order of the rows; undefined for a file, whose rows are numbered */
  order: readonly string[] | undefined;
  /** size of the file in bytes; absent for a table or a query */
  bytes?: number;
  modified?: number;
}

interface OpenInput extends RowInput {
  columns: string[];
  types: ReadonlyMap<string, SparkType>;
  /** number of rows; Infinity if they were not counted */
  numRows: number;
}

/** The column that contains the number of each row in its file. */
const POSITION = quotedColumn("embed_position");

/**
 * Finds the columns and the number of rows of an input.
 *
 * @param slice number of bytes that the rows of one job have, if rows are read in slices
 * @throws {DataError} it has no rows, or two columns of the same name @throws {UsageError} an order column is missing
 */
async function openInput(
  session: EngineSession,
  input: RowInput,
  slice: number | undefined,
): Promise<OpenInput> {
  const found = await session.columnsOf(input.relation, `'${input.path}'`);
  const columns = found.map(({ name }) => name);
  const twice = columns.find((name, i) => columns.indexOf(name) < i);
  if (twice !== undefined)
    throw new DataError("two columns have the same name: rename one of them", {
      file: input.path,
      column: twice,
    });
  const missing = input.order?.find((name) => !columns.includes(name));
  if (missing !== undefined) throw noSuchColumn(missing, columns);
  // rows are counted only if they are read in slices, because counting runs the query once more
  const numRows = input.order && slice === undefined ? Infinity : await countInputRows(session, input);
  if (numRows === 0) throw noRows(input);
  return { ...input, columns, types: new Map(found.map(({ name, type }) => [name, type])), numRows };
}

async function countInputRows(session: EngineSession, { relation, path }: RowInput): Promise<number> {
  let count = 0;
  for (const bytes of await session.fetch(countRows(relation), `'${path}'`))
    for (const { children } of batchesIn(bytes, ["int64"], `'${path}'`)) count = int64At(children[0]!, 0);
  return count;
}

function noRows({ order, path }: RowInput): NoRowsError {
  const what = order
    ? "the table or query has no rows"
    : "the file holds no row: expected a Parquet file with rows";
  return new NoRowsError(what, { file: path, line: 1 });
}

function isList({ types }: OpenInput, name: string): boolean {
  return leafOf(name, types.get(name)!)?.maxRepetition === 1;
}

/** Whether each cell of a column is a single time. */
function isTime(file: OpenInput, name: string, columns: ListSeparators): boolean {
  const column = columnOf(file, name, columns);
  return typeof column !== "string" && holdsTimes(column);
}

/** Returns a column, or the text that all its rows have: a cell from the file's path, or an empty cell. */
function columnOf(file: OpenInput, name: string, columns: ListSeparators): LeafColumn | string {
  if (columns.ignored.has(name)) return "";
  const type = file.types.get(name);
  if (!type) return partitionCell(file.partition, name);
  const separator = separatorIn(name, isList(file, name), columns);
  return {
    name,
    ...leafOf(name, type)!,
    ...{ codec: "UNCOMPRESSED", start: 0, end: 0, numValues: 0, maxDefinition: 1 },
    separator,
  };
}

/** Selects columns of an input table, followed by the columns by which its rows are sorted. */
function selected(file: OpenInput, names: readonly string[]): { relation: Relation; order: string[] } {
  const cells = names.map((name, i) => `${quotedColumn(name)} AS embed_${i}`);
  const order = file.order
    ? file.order.map((name, i) => [quotedColumn(name), `embed_order_${i}`] as const)
    : [["_metadata.row_index", POSITION] as const];
  const relation = projected(file.relation, [...cells, ...order.map(([what, as]) => `${what} AS ${as}`)]);
  return { relation, order: order.map(([, as]) => as) };
}

function expectedOf({ order }: OpenInput, names: readonly string[]): ExpectedType[] {
  const cells = names.map((): ExpectedType => "any");
  return [...cells, ...(order ? order.map((): ExpectedType => "any") : (["int64"] as const))];
}
