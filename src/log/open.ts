// The way in: files → a log whose columns and first rows are known.

import { isUtf8 } from "node:buffer";
import { canReopen, openSource, peekedSource, type ByteSource } from "../io/source.js";
import { NoInputError, UsageError } from "../errors.js";
import { noSuchColumn, readLog, type ReadSizes } from "./read.js";
import { firstBadLine, noRows, notUtf8 } from "./text/dialect.js";
import { decoderOf } from "./text/decoded.js";
import { isHeader } from "./text/header-lines.js";
import { checkColumns, cutFiles, likeFirst, openFile, type InputItem, ChunkBuffers } from "./text/input.js";
import { filesOfLog, type LogFile } from "./directory.js";
import { formOf, refuseDoubleColons, refuseSparseText, startsAsJson, type InputFormat } from "./form.js";
import { jsonLines } from "./text/json-lines.js";
import {
  cellsInOrder,
  checkPartition,
  columnsIn,
  laterColumnsOf,
  laterColumnWarnings,
  placesOf,
} from "./file-columns.js";
import { SAMPLE_BYTES, SAMPLE_ROWS } from "./limits.js";
import { numberFormOf, type Log, type ReadOptions } from "./log.js";
import { hasOwnForm, plainCell } from "./number.js";
import { NullTexts } from "./nulls.js";
import { openRecords } from "./text/open-records.js";
import { withoutRepeats } from "./repeats.js";
import { sparseText } from "./text/sparse-text.js";
import type { Dialect } from "./text/records.js";
import { forEachRow } from "./text/text-rows.js";

/** Lines by which sparse text is distinguished from CSV. */
const LINES_TO_KNOW = 5;

const defaultSizes: ReadSizes = { chunkBytes: 1 << 20, localBytes: 256 << 20 };

/**
 * Opens files as one log: reads the heads of all and the first rows.
 *
 * @param named files, directories or patterns, or `-` for standard input; `.gz` and `.zst` are decompressed
 * @param sizes for tests
 * @throws {NoInputError} a file does not exist, or none is named
 * @throws {IoError} a file cannot be read
 * @throws {UsageError} a run's directory is named, an option has no meaning, as a delimiter with a line end, or libsvm text would be
 *   read as CSV
 * @throws {DataError} an empty file, columns of one name, files that lack a column which is read, bytes that are not the encoding's
 */
export async function openLog(
  named: readonly string[],
  options: ReadOptions,
  sizes: ReadSizes = defaultSizes,
): Promise<Log> {
  if (named.length === 0) throw new NoInputError("no log given: name one or several files, or - for stdin");
  return await openFiles(await filesOfLog(named), options, sizes);
}

/**
 * Opens the files of a log.
 *
 * @param named files in their order, with sentences about those that were left out
 * @throws as openLog
 */
export async function openFiles(
  { files, warnings }: { files: readonly LogFile[]; warnings: readonly string[] },
  options: ReadOptions,
  sizes: ReadSizes = defaultSizes,
): Promise<Log> {
  const paths = files.map(({ path }) => path);
  if (paths.filter((path) => path === "-").length > 1)
    throw new UsageError("- (standard input) can only be given once");
  decoderOf(options.encoding);
  const form = formOf(paths, options.format);
  const log = await openByForm(form, files, options, sizes);
  const given = { ...log, warnings: [...warnings, ...log.warnings] };
  return options.dedupe === true ? withoutRepeats(given) : given;
}

/** Opens files of one form, or of JSON lines where names say nothing and the first file starts as they do. */
async function openByForm(
  form: InputFormat,
  files: readonly LogFile[],
  options: ReadOptions,
  sizes: ReadSizes,
): Promise<Log> {
  const isGuessed = form === "csv" && options.format === undefined && !options.held;
  if (!isGuessed) return await openForm(form, files, options, sizes);
  const opened = await peekedSource(
    await (options.sources?.open ?? openSource)(files[0]!.path, sizes.chunkBytes),
  );
  try {
    const found = startsAsJson(opened.first) ? "jsonl" : form;
    return await openForm(found, files, { ...options, opened }, sizes);
  } finally {
    await opened.leave();
  }
}

/** Opens files of one form; hyparquet is loaded when it is needed. */
async function openForm(
  form: InputFormat,
  files: readonly LogFile[],
  options: ReadOptions,
  sizes: ReadSizes,
): Promise<Log> {
  if (form === "csv") return openDelimited(files, options, sizes);
  if (hasOwnForm(options))
    throw new UsageError(
      `--decimal and --thousands are only supported for delimited text, and the log format is ${form}`,
    );
  if (options.columns)
    throw new UsageError(
      `--columns is only supported for delimited text without a header, and the log format is ${form}`,
    );
  if (form === "jsonl") return openRecords(files, jsonLines(options, sizes.chunkBytes), options);
  if (form === "parquet")
    return (await import("./parquet/open.js")).openParquet(files, options, sizes.ranges);
  return openRecords(files, sparseText(form, options, sizes.chunkBytes), options);
}

/** Delimited text, read by the scanners. */
async function openDelimited(
  files: readonly LogFile[],
  options: ReadOptions,
  sizes: ReadSizes,
): Promise<Log> {
  const paths = files.map(({ path }) => path);
  const first = await openFile(paths[0]!, options, sizes.chunkBytes);
  const { dialect } = first.head;
  const firstColumns = { ...files[0]!, columns: first.head.columns };
  const sources: ByteSource[] = [first.source];
  const close = async () => {
    for (const source of sources) await source.close();
  };
  try {
    checkPartition(firstColumns, firstColumns);
    const columns = columnsIn(firstColumns);
    // a file that does not fit is reported now, not after those before it were read
    const known = [firstColumns];
    for (const { path, partition } of files.slice(1)) {
      if (options.sources || !(await canReopen(path))) continue;
      const { source, head } = await openFile(path, likeFirst(options, dialect), sizes.chunkBytes);
      await source.close();
      const others = { path, partition, columns: head.columns };
      checkColumns(others, firstColumns, options);
      known.push(others);
    }
    const later = laterColumnsOf(firstColumns, known.slice(1));
    const buffers = new ChunkBuffers();
    const items = cutFiles(files, first, options, sizes.chunkBytes, buffers, (source) => {
      if (source !== first.source) sources.push(source);
    });
    const pulled: InputItem[] = [];
    const { sample, sampleIsAll } = await takeSample(items, pulled, columns, dialect, options);
    if (options.format === undefined) {
      const first = [...(options.header ? [columns] : []), ...sample].slice(0, LINES_TO_KNOW);
      const lines = first.map((cells) => cells.join(dialect.written ?? dialect.delimiter));
      refuseSparseText(paths[0]!, lines);
      if (options.delimiter === undefined && first.every((cells) => cells.length === 1))
        refuseDoubleColons(paths[0]!, lines);
    }

    const plain = plainCell(options);
    let isRead = false;
    return {
      columns,
      sample: new NullTexts(options.nulls).cells(sample).map((row) => row.map(plain)),
      numbers: numberFormOf(options),
      sampleIsAll,
      nulls: options.nulls ?? [],
      delimiter: dialect.written ?? dialect.delimiter,
      warnings: laterColumnWarnings(later, options.ignore),
      laterColumns: later,
      close,
      async read(requests, onBatch, observe) {
        if (isRead) throw new Error("a log can only be read once");
        isRead = true;
        const names = requests.map(({ name }) => name);
        for (const name of names) if (!columns.includes(name)) throw noSuchColumn(name, columns);
        for (const file of known) placesOf(file, names);
        const { keepBadRows = false } = options;
        const setup = {
          dialect,
          requests: requests.map(({ as }) => ({ as })),
          keepBadRows,
          numbers: numberFormOf(options),
        };
        try {
          return await readLog(
            { items: replayed(pulled, items), sources, setup, names, options, sizes, buffers },
            onBatch,
            observe,
          );
        } finally {
          await items.return(undefined);
          await close();
        }
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function* replayed(pulled: InputItem[], rest: AsyncGenerator<InputItem, void, undefined>) {
  for (let item = pulled.shift(); item; item = pulled.shift()) yield item;
  yield* rest;
}

/** Pulls items until they hold the sample's rows; read() gets them first. */
async function takeSample(
  items: AsyncGenerator<InputItem, void, undefined>,
  pulled: InputItem[],
  columns: readonly string[],
  dialect: Dialect,
  { encoding }: ReadOptions,
): Promise<{ sample: string[][]; sampleIsAll: boolean }> {
  const sample: string[][] = [];
  let [line, rowsOfFile, numRows, numBytes] = [1, 0, 0, 0];
  let path = "";
  let numColumns = 0;
  let header: string[] | undefined;
  let inOrder: ReturnType<typeof cellsInOrder> = (cells) => [...cells];
  for (;;) {
    const { value: item, done } = await items.next();
    if (done || !item) return { sample, sampleIsAll: true };
    pulled.push(item);
    if (item.kind === "failure") throw item.error(line + item.line);
    if (item.kind === "start") {
      [line, rowsOfFile, path] = [item.linesBefore + 1, 0, item.columns.path];
      header = item.header && item.header.length > 1 ? item.header : undefined;
      numColumns = item.columns.columns.length;
      inOrder = cellsInOrder(item.columns, columns);
    }
    if (item.kind === "end" && rowsOfFile === 0) throw noRows(path);
    if (item.kind !== "chunk") continue;
    if (!isUtf8(item.bytes)) throw notUtf8(path, line + firstBadLine(item.bytes), encoding);
    line += forEachRow(item.bytes, dialect, ({ cells, malformedQuote }) => {
      if (header && isHeader(cells, header)) return true;
      rowsOfFile++;
      numRows++;
      // what is wrong with a row is reported when it is read
      if (cells.length === numColumns && malformedQuote === -1) sample.push(inOrder(cells));
      return numRows <= SAMPLE_ROWS;
    });
    numBytes += item.bytes.length;
    if (numRows > SAMPLE_ROWS || numBytes > SAMPLE_BYTES)
      return { sample: sample.slice(0, SAMPLE_ROWS), sampleIsAll: false };
  }
}
