// Opens delimited text as a log: the headers of all files and the first rows are read here, and all rows by the
// scanners.

import { isUtf8 } from "node:buffer";
import { canReopen, type ByteSource } from "../../base/io/source.js";
import {
  cellsInOrder,
  checkPartition,
  columnsIn,
  columnsOfFiles,
  type FileColumns,
} from "../file-columns.js";
import { SAMPLE_BYTES, SAMPLE_ROWS } from "../limits.js";
import { numberFormOf, type Log, type LogFile, type ReadOptions, type ReadSizes } from "../log.js";
import { NullTexts } from "../nulls.js";
import { plainCell } from "../number.js";
import { readLog, replayed } from "../read.js";
import { firstBadLine, noRows, notUtf8 } from "./dialect.js";
import { isHeader, isReordered, reorderedHeader } from "./header-lines.js";
import {
  checkColumns,
  ChunkBuffers,
  cutFiles,
  firstChunk,
  likeFirst,
  openFile,
  type InputItem,
  type OpenFile,
} from "./input.js";
import type { Dialect } from "./records.js";
import { forEachRow } from "./text-rows.js";

export async function openDelimited(
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
    // a file whose columns do not match is reported now, and not after the previous files were read
    const known: FileColumns[] = [firstColumns];
    const rowsOfLater: { file: FileColumns; rows: string[][] }[] = [];
    const names = new Set(columnsIn(firstColumns));
    for (const { path, partition } of files.slice(1)) {
      if (options.sources || !(await canReopen(path))) continue;
      const opened = await openFile(path, likeFirst(options, dialect), sizes.chunkBytes);
      const file = { path, partition, columns: opened.head.columns };
      try {
        checkColumns(file, firstColumns, options);
        known.push(file);
        if (columnsIn(file).some((name) => !names.has(name)))
          rowsOfLater.push({ file, rows: await firstRows(opened, sizes.chunkBytes) });
      } finally {
        await opened.source.close();
      }
      for (const name of columnsIn(file)) names.add(name);
    }
    const columns = columnsOfFiles(known);
    const buffers = new ChunkBuffers();
    const items = cutFiles(files, first, options, sizes.chunkBytes, buffers, (source) => {
      if (source !== first.source) sources.push(source);
    });
    const pulled: InputItem[] = [];
    const { sample, sampleIsAll } = await takeSample(items, pulled, columns, dialect, options);
    // the sample also contains the first rows of each file with further columns, from which the types of these columns
    // are inferred
    for (const { file, rows } of sampleIsAll ? [] : rowsOfLater)
      sample.push(...rows.map(cellsInOrder(file, columns)));
    const plain = plainCell(options);
    return {
      columns,
      sample: new NullTexts(options.nulls).cells(sample).map((row) => row.map(plain)),
      numbers: numberFormOf(options),
      sampleIsAll,
      nulls: options.nulls ?? [],
      delimiter: dialect.written ?? dialect.delimiter,
      warnings: [],
      files: known,
      close,
      async read(requests, onBatch, observe) {
        const names = requests.map(({ name }) => name);
        const { keepBadRows = false } = options;
        const paths = new Set(known.map(({ path }) => path));
        const setup = {
          dialect,
          requests: requests.map(({ as }) => ({ as })),
          keepBadRows,
          numbers: numberFormOf(options),
        };
        try {
          const input = { items: replayed(pulled, items), sources, buffers, isSmall: sampleIsAll };
          return await readLog({ ...input, setup, names, known: paths, options, sizes }, onBatch, observe);
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

/** Returns the first rows of a file, without malformed ones. */
async function firstRows(opened: OpenFile, chunkBytes: number): Promise<string[][]> {
  const rows: string[][] = [];
  const { dialect, columns } = opened.head;
  const chunk = await firstChunk(opened, chunkBytes);
  if (chunk)
    forEachRow(chunk.bytes, dialect, ({ cells, malformedQuote }) => {
      if (cells.length === columns.length && malformedQuote === -1) rows.push(cells);
      return rows.length < SAMPLE_ROWS;
    });
  return rows;
}

/** Reads chunks until they contain the sample's rows; `pulled` receives them, for read() to process first. */
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
    const chunkLine = line;
    line += forEachRow(item.bytes, dialect, ({ cells, malformedQuote, line: rowLine }) => {
      if (header && isHeader(cells, header)) return true;
      // a reordered header is reported before roles are inferred from the rows after it
      if (header && isReordered(cells, header))
        throw reorderedHeader({ cells, header }, { file: path, line: chunkLine + rowLine });
      rowsOfFile++;
      numRows++;
      // leaves bad rows out of the sample; they are reported when the whole log is read
      if (cells.length === numColumns && malformedQuote === -1) sample.push(inOrder(cells));
      return numRows <= SAMPLE_ROWS;
    });
    numBytes += item.bytes.length;
    if (numRows > SAMPLE_ROWS || numBytes > SAMPLE_BYTES)
      return { sample: sample.slice(0, SAMPLE_ROWS), sampleIsAll: false };
  }
}
