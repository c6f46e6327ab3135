// The way in: files → a log whose columns and first rows are known.

import { isUtf8 } from "node:buffer";
import { canReopen, type ByteSource } from "../io/source.js";
import { NoInputError, UsageError } from "../errors.js";
import { expandPaths } from "../io/glob.js";
import { statOf } from "../io/tree.js";
import { noSuchColumn, readLog, type ReadSizes } from "./read.js";
import { firstBadLine, noRows, notUtf8 } from "./dialect.js";
import { decoderOf } from "./decoded.js";
import { checkSameColumns, cutFiles, openFile, type InputItem } from "./input.js";
import { ChunkBuffers } from "./chunk-buffers.js";
import { directoryIsNoLog } from "./directory.js";
import { formOf, refuseSparseText, type InputFormat } from "./form.js";
import { jsonLines } from "./json-lines.js";
import { SAMPLE_BYTES, SAMPLE_ROWS } from "./limits.js";
import type { Log, ReadOptions } from "./log.js";
import { openRecords } from "./open-records.js";
import { withoutRepeats } from "./repeats.js";
import { sparseText } from "./sparse-text.js";
import type { Dialect } from "./records.js";
import { forEachRow } from "./text-rows.js";

/** Lines by which sparse text is told from CSV. */
const LINES_TO_KNOW = 5;

const defaultSizes: ReadSizes = { chunkBytes: 1 << 20, localBytes: 256 << 20 };

/**
 * Opens files as one log: reads the heads of all and the first rows.
 *
 * @param named files or patterns, or `-` for standard input; `.gz` and `.zst` are decompressed
 * @param sizes for tests
 * @throws {NoInputError} a file does not exist, or none is named
 * @throws {IoError} a file cannot be read
 * @throws {UsageError} a directory is named, an option has no meaning, as a delimiter of two characters, or libsvm text would be read
 *   as CSV
 * @throws {DataError} an empty file, columns of one name, files with different columns, bytes that are not the encoding's
 */
export async function openLog(
  named: readonly string[],
  options: ReadOptions,
  sizes: ReadSizes = defaultSizes,
): Promise<Log> {
  if (named.length === 0)
    throw new NoInputError("no log is named: name one or several files, or - for stdin");
  const paths = await expandPaths(named);
  for (const path of paths) if ((await statOf(path))?.isDirectory) throw await directoryIsNoLog(path);
  if (paths.filter((path) => path === "-").length > 1)
    throw new UsageError("- (standard input) can be read once");
  decoderOf(options.encoding);
  const form = formOf(paths, options.format);
  const log = await openForm(form, paths, options, sizes);
  return options.dedupe === true ? withoutRepeats(log) : log;
}

/** Opens files of one form; hyparquet is loaded when it is needed. */
async function openForm(
  form: InputFormat,
  paths: readonly string[],
  options: ReadOptions,
  sizes: ReadSizes,
): Promise<Log> {
  if (form === "jsonl") return openRecords(paths, jsonLines(options, sizes.chunkBytes), options);
  if (form === "csv") return openDelimited(paths, options, sizes);
  if (form === "parquet") return openRecords(paths, (await import("./parquet.js")).parquet(options), options);
  return openRecords(paths, sparseText(form, options, sizes.chunkBytes), options);
}

/** Delimited text, read by the scanners. */
async function openDelimited(paths: readonly string[], options: ReadOptions, sizes: ReadSizes): Promise<Log> {
  const first = await openFile(paths[0]!, options, sizes.chunkBytes);
  const { columns, dialect } = first.head;
  const sources: ByteSource[] = [first.source];
  const close = async () => {
    for (const source of sources) await source.close();
  };
  try {
    // a file that does not fit is told now, not after those before it were read
    for (const path of paths.slice(1)) {
      if (!(await canReopen(path))) continue;
      const opened = await openFile(path, { ...options, delimiter: dialect.delimiter }, sizes.chunkBytes);
      await opened.source.close();
      checkSameColumns(path, opened.head.columns, paths[0]!, columns);
    }
    const buffers = new ChunkBuffers();
    const items = cutFiles(paths, first, options, sizes.chunkBytes, buffers, (source) => {
      if (source !== first.source) sources.push(source);
    });
    const pulled: InputItem[] = [];
    const { sample, sampleIsAll } = await takeSample(items, pulled, paths, columns.length, dialect, options);
    if (options.format === undefined) {
      const first = [...(options.header ? [columns] : []), ...sample].slice(0, LINES_TO_KNOW);
      refuseSparseText(
        paths[0]!,
        first.map((cells) => cells.join(dialect.delimiter)),
      );
    }

    let isRead = false;
    return {
      columns,
      sample,
      sampleIsAll,
      delimiter: dialect.delimiter,
      close,
      async read(requests, onBatch, observe) {
        if (isRead) throw new Error("a log can be read once");
        isRead = true;
        const indexed = requests.map(({ name, as }) => {
          const column = columns.indexOf(name);
          if (column === -1) throw noSuchColumn(name, columns);
          return { column, as };
        });
        const { keepBadRows = false } = options;
        const setup = { dialect, numColumns: columns.length, requests: indexed, keepBadRows };
        try {
          return await readLog(
            { items: replayed(pulled, items), sources, setup, options, sizes, buffers },
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
  paths: readonly string[],
  numColumns: number,
  dialect: Dialect,
  { encoding }: ReadOptions,
): Promise<{ sample: string[][]; sampleIsAll: boolean }> {
  const sample: string[][] = [];
  let [line, rowsOfFile, numRows, numBytes] = [1, 0, 0, 0];
  for (;;) {
    const { value: item, done } = await items.next();
    if (done || !item) return { sample, sampleIsAll: true };
    pulled.push(item);
    if (item.kind === "failure") throw item.error(line + item.line);
    if (item.kind === "start") [line, rowsOfFile] = [item.linesBefore + 1, 0];
    if (item.kind === "end" && rowsOfFile === 0) throw noRows(paths[item.file]!);
    if (item.kind !== "chunk") continue;
    if (!isUtf8(item.bytes)) throw notUtf8(paths[item.file]!, line + firstBadLine(item.bytes), encoding);
    line += forEachRow(item.bytes, dialect, ({ cells, malformedQuote }) => {
      rowsOfFile++;
      numRows++;
      // what is wrong with a row is told when it is read
      if (cells.length === numColumns && malformedQuote === -1) sample.push(cells);
      return numRows <= SAMPLE_ROWS;
    });
    numBytes += item.bytes.length;
    if (numRows > SAMPLE_ROWS || numBytes > SAMPLE_BYTES)
      return { sample: sample.slice(0, SAMPLE_ROWS), sampleIsAll: false };
  }
}
