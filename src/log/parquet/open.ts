// Opens Parquet files as a log, as openLog does for delimited text. Row groups are split into ranges of rows, scanners
// on several threads convert these to codes and numbers (scanner.ts), and the merger combines them in order.

import type { RowGroup } from "hyparquet";
import { NoRowsError, type DataError } from "../../base/errors.js";
import { readerOf } from "../../base/io/random-access.js";
import { canReopen } from "../../base/io/source.js";
import { checkPartition, columnsOfFiles, partitionCell, type FileColumns } from "../file-columns.js";
import { checkColumnCount, SAMPLE_ROWS } from "../limits.js";
import {
  undelimited,
  type ColumnRequest,
  type Log,
  type LogFile,
  type ReadOptions,
  type ReadSizes,
} from "../log.js";
import { NullTexts } from "../nulls.js";
import { ColumnCursor, columnOptions, holdsTimes, separatorIn, type ListSeparators } from "./cursor.js";
import {
  addPageBytes,
  isList,
  leafFinder,
  openParquetFile,
  rowGroupSize,
  shapeProblem,
  type ParquetFile,
} from "./files.js";
import { readRanges, type RangeItem } from "./read.js";
import { checked, type ParquetRowRange } from "./scanner.js";

/** Cells in a range of rows, 16 MB as numbers; in smaller ranges, the overhead exceeds the time of reading. */
const RANGE_CELLS = 1 << 21;
const [LEAST_ROWS, MOST_ROWS] = [1 << 12, 1 << 18];

/** Approximate number of bytes of the values in a range of rows; a range of long texts has fewer rows. */
const RANGE_BYTES = 1 << 25;
const LEAST_LONG_ROWS = 64;

/** Uncompressed bytes of pages below which one thread is faster (docs/decisions/0019-parquet-in-ranges.md). */
const LOCAL_BYTES = 1 << 27;

type Columns = ListSeparators & { names: readonly string[] };

export async function openParquet(
  files: readonly LogFile[],
  options: ReadOptions,
  { ranges: sizes }: ReadSizes,
): Promise<Log> {
  const [first, ...others] = files;
  for (const file of others) checkPartition({ ...first!, columns: [] }, { ...file, columns: [] });
  const head = await openParquetFile(first!);
  const close = () => head.source.close();
  try {
    checkPartition(head, head);
    /** the first file that contains each column, by the column's name */
    const firstWith = new Map<string, ParquetFile>(head.columns.map((name) => [name, head]));
    const columnsSoFar = (): Columns => {
      const names = [...firstWith.keys()];
      const isListOfFirst = (name: string) => isList(firstWith.get(name)!.trees.get(name)!);
      return { names, ...columnOptions(names, options, isListOfFirst) };
    };
    let columns = columnsSoFar();
    checkColumnCount(columns.names.length, head.path, 1);
    /** errors of the columns that cannot be read, by name */
    const odd = new Map<string, DataError>();
    noteOdd(head, columns, odd);
    const { sample, numFaulty } = firstParquetRows(head, columns, odd, SAMPLE_ROWS);
    // a file that cannot be read is reported now, not after the previous files were read
    const known: FileColumns[] = [head];
    let numRows = head.numRows;
    const pageBytes = new Map<string, number>();
    addPageBytes(head.metadata.row_groups, pageBytes);
    for (const file of others) {
      if (!(await canReopen(file.path))) continue;
      const other = await openParquetFile(file);
      try {
        known.push({ path: other.path, columns: other.columns, partition: other.partition });
        const further = other.columns.filter((name) => !firstWith.has(name));
        for (const name of further) firstWith.set(name, other);
        if (further.length > 0) columns = columnsSoFar();
        noteOdd(other, columns, odd);
        // the sample also contains the first rows of each file with further columns, from which the types of these
        // columns are inferred
        const missing = further.length > 0 ? SAMPLE_ROWS : SAMPLE_ROWS - numRows;
        if (missing > 0) sample.push(...firstParquetRows(other, columns, odd, missing).sample);
        numRows += other.numRows;
        addPageBytes(other.metadata.row_groups, pageBytes);
      } finally {
        await other.source.close();
      }
    }
    if (sample.length === 0 && options.onBadRow === "skip")
      throw new NoRowsError(
        `none of the first ${numFaulty} rows can be read: expected a Parquet file with rows`,
        { file: head.path, line: 1 },
      );
    const { names: all, ignored, multi } = columns;
    return {
      columns: columnsOfFiles(known),
      multi,
      times: new Set(all.filter((name) => isTime(firstWith.get(name)!, name, columns))),
      floats: new Set(all.filter((name) => firstWith.get(name)!.trees.get(name)!.element.type === "DOUBLE")),
      sample: new NullTexts(options.nulls).cells(
        sample.map(({ texts, constants }) => [
          ...texts,
          ...all.slice(texts.length).map(() => ""),
          ...constants,
        ]),
      ),
      sampleIsAll: numRows <= SAMPLE_ROWS,
      ...undelimited(options),
      files: known,
      close,
      async read(requests, onBatch, observe) {
        const names = requests.map(({ name }) => name).filter((name) => !ignored.has(name));
        for (const name of names) if (odd.has(name)) throw odd.get(name)!;
        const items = rangesOf(files, head, columns, requests, sizes?.rangeRows);
        try {
          const bytes = names.reduce((sum, name) => sum + (pageBytes.get(name) ?? 0), 0);
          const isLarge = bytes > (sizes?.localBytes ?? LOCAL_BYTES);
          const numThreads = isLarge ? options.threads : 1;
          return await readRanges({ items, requests, options, numThreads }, onBatch, observe);
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

/** Records a file's columns that cannot be read; they are allowed if they are not requested. */
function noteOdd(
  { path, trees }: ParquetFile,
  { names, ignored }: Columns,
  odd: Map<string, DataError>,
): void {
  for (const name of names) {
    const tree = trees.get(name);
    const problem = tree && !ignored.has(name) ? shapeProblem(path, tree) : undefined;
    if (problem) odd.set(name, problem);
  }
}

function separatorOf(file: ParquetFile, name: string, columns: Columns): string | undefined {
  return separatorIn(name, isList(file.trees.get(name)!), columns);
}

function isTime(file: ParquetFile, name: string, columns: Columns): boolean {
  if (columns.ignored.has(name)) return false;
  const { element, children } = file.trees.get(name)!;
  const separator = separatorOf(file, name, columns);
  return children.length === 0 && holdsTimes({ element, separator });
}

/** Returns the cells of a row: those of the columns that were known when it was read, and those given by the path. */
interface SampleRow {
  texts: string[];
  constants: string[];
}

/** Returns the first rows as text; faulty rows are left out. */
function firstParquetRows(
  file: ParquetFile,
  columns: Columns,
  odd: ReadonlyMap<string, unknown>,
  most: number,
): { sample: SampleRow[]; numFaulty: number } {
  const sample: SampleRow[] = [];
  let numFaulty = 0;
  let left = most;
  const read = readerOf({ fd: file.source.fd, path: file.path });
  for (const group of file.metadata.row_groups) {
    const numRows = Math.min(left, rowGroupSize(file.path, group));
    if (numRows === 0) continue;
    const leaf = leafFinder(file, group);
    const cells = columns.names.map((name) => {
      if (!file.trees.has(name) || columns.ignored.has(name) || odd.has(name)) return undefined;
      const column = leaf(name, separatorOf(file, name, columns));
      return checked(file, column, () => new ColumnCursor(column, read).texts(numRows));
    });
    for (let row = 0; row < numRows; row++) {
      const texts = cells.map((column) => (column ? column[row]! : ""));
      // leaves faulty rows out of the sample; they are reported when the whole log is read
      if (texts.every((text) => typeof text === "string"))
        sample.push({ texts, constants: Object.values(file.partition) });
      else numFaulty++;
    }
    left -= numRows;
  }
  return { sample, numFaulty };
}

/** Returns the number of rows whose values take about RANGE_BYTES bytes. */
function rowsOfBytes(group: RowGroup, numRows: number, names: ReadonlySet<string>): number {
  const byColumn = new Map<string, number>();
  addPageBytes([group], byColumn);
  const bytes = [...byColumn].reduce((sum, [name, size]) => sum + (names.has(name) ? size : 0), 0);
  const rows = Math.floor((RANGE_BYTES / Math.max(1, bytes)) * numRows);
  // a damaged file may state any sizes, so the result has a lower bound
  return rows >= LEAST_LONG_ROWS ? rows : LEAST_LONG_ROWS;
}

/** Yields all files as ranges of rows; the first file is open already. */
async function* rangesOf(
  files: readonly LogFile[],
  first: ParquetFile,
  columns: Columns,
  requests: readonly ColumnRequest[],
  rangeRows: number | undefined,
): AsyncGenerator<RangeItem, void, undefined> {
  const byCells = Math.floor(RANGE_CELLS / Math.max(1, requests.length));
  const mostRows = rangeRows ?? Math.max(LEAST_ROWS, Math.min(MOST_ROWS, byCells));
  let groups = 0;
  for (const [at, named] of files.entries()) {
    const file = at === 0 ? first : await openParquetFile(named);
    try {
      // checks the columns again, because the file may have changed since the log was opened
      const odd = new Map<string, DataError>();
      noteOdd(file, columns, odd);
      const names = requests.map(({ name }) => name).filter((name) => !columns.ignored.has(name));
      for (const name of names) if (odd.has(name)) throw odd.get(name)!;
      yield { kind: "start", file };
      for (const group of file.metadata.row_groups) {
        const groupRows = rowGroupSize(file.path, group);
        const leaf = leafFinder(file, group);
        const read = requests.map(({ name }): ParquetRowRange["columns"][number] => {
          if (columns.ignored.has(name)) return "";
          if (!file.trees.has(name)) return partitionCell(file.partition, name);
          return leaf(name, separatorOf(file, name, columns));
        });
        const { fd } = file.source;
        const size = Math.min(mostRows, rowsOfBytes(group, groupRows, new Set(names)));
        for (let from = 0; from < groupRows; from += size) {
          const to = Math.min(from + size, groupRows);
          yield {
            kind: "range",
            range: { path: file.path, fd, group: groups, from, to, groupRows, columns: read },
          };
        }
        groups++;
      }
      yield { kind: "end", file };
    } catch (error) {
      await file.source.close();
      throw error;
    }
  }
}
