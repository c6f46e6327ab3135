// Parquet: row groups, one at a time, as rows of text cells.

import {
  parquetMetadataAsync,
  parquetScan,
  parquetSchema,
  type AsyncBuffer,
  type ColumnChunk,
  type FileMetaData,
  type RowGroup,
  type SchemaElement,
  type SchemaTree,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { DataError, EmbedError } from "../errors.js";
import { openRandomAccess, type RandomAccessFile } from "../io/random-access.js";
import { laterColumnsOf, laterColumnWarnings, placesOf, type FileColumns } from "./layout.js";
import type { ReadOptions } from "./log.js";
import { checkPages } from "./parquet-pages.js";
import { joinValues } from "./several.js";
import { RowFault, type Piece, type RecordForm } from "./record-form.js";

/** Rows that are handed on at once. */
const BATCH_ROWS = 1 << 14;

/** A row: values of the log's columns, as hyparquet gives them, and what its file says of their types; undefined where it has no such column. */
interface Values {
  values: unknown[];
  leaves: (SchemaElement | undefined)[];
}

/** The form of .parquet. */
export function parquet(options: ReadOptions): RecordForm<Values> {
  const given = options.multi ?? {};
  const ignored = new Set(options.ignore);
  /** the files that were opened, the log's first one first */
  const opened: FileColumns[] = [];
  let wanted: ReadonlySet<string> | undefined;
  /** what is wrong with columns that cannot be read, by name */
  const odd = new Map<string, DataError>();
  /** of the first file */
  let lists: string[] = [];
  return {
    expected: "a Parquet file with rows",
    want(columns) {
      for (const [name, problem] of odd) if (columns.has(name)) throw problem;
      for (const file of opened)
        placesOf(
          file,
          opened[0]!.columns.filter((name) => columns.has(name)),
        );
      wanted = columns;
    },
    warnings: () => laterColumnWarnings(laterColumnsOf(opened[0]!, opened.slice(1)), options.ignore),

    async open(path) {
      const source = await openRandomAccess(path);
      try {
        const metadata = await parsed(path, () => parquetMetadataAsync(asyncBuffer(source)));
        const { children } = await parsed(path, async () => parquetSchema(metadata));
        const columns = children.map(({ element }) => element.name);
        checkDistinct(path, columns);
        const isFirst = opened.length === 0;
        const known = new Set(opened[0]?.columns ?? columns);
        // what nobody reads may be of any shape
        for (const child of children) {
          const { name } = child.element;
          const problem = known.has(name) ? shapeProblem(path, child, ignored) : undefined;
          if (problem) odd.set(name, problem);
        }
        if (isFirst) lists = children.filter(isList).map(({ element }) => element.name);
        if (!opened.some((file) => file.path === path)) opened.push({ path, columns, partition: {} });
        return { source, pieces: () => rowGroups(path, source, metadata) };
      } catch (error) {
        await source.close();
        throw error;
      }
    },

    // what is wrong with a row names its column and value; other values may not be text at all
    textOf: () => "",

    schemaOf() {
      const multi = lists.map((name) => [name, Object.hasOwn(given, name) ? given[name]! : "|"] as const);
      return { columns: [...opened[0]!.columns], multi: Object.fromEntries(multi) };
    },

    cellsOf({ values, leaves }, { columns, multi }) {
      return columns.map((name, c) => {
        const value = values[c];
        const leaf = leaves[c];
        if (ignored.has(name) || !leaf) return "";
        if (!Array.isArray(value)) {
          const text = textOf(value, leaf, name);
          // one value of a list that is no list in this file: it must not come back as two
          return Object.hasOwn(multi, name) && !Object.hasOwn(given, name)
            ? joinValues(name, [text], multi[name]!)
            : text;
        }
        const texts = value.map((one) => textOf(one, leaf, name));
        return joinValues(name, texts, Object.hasOwn(multi, name) ? multi[name]! : "|");
      });
    },
  };

  async function* rowGroups(
    path: string,
    source: RandomAccessFile,
    metadata: FileMetaData,
  ): AsyncGenerator<Piece<Values>, void, undefined> {
    await source.digest();
    const file = asyncBuffer(source);
    const trees = new Map(parquetSchema(metadata).children.map((child) => [child.element.name, child]));
    const { columns } = opened[0]!;
    const leaves = columns.map((name) => trees.get(name) && leafOf(trees.get(name)!).element);
    let rowStart = 0;
    for (const group of metadata.row_groups) {
      const numRows = Number(group.num_rows);
      const chunks = chunksOf(group);
      const read: (ArrayLike<unknown> | undefined)[] = [];
      for (const name of columns) {
        const tree = trees.get(name);
        if (!tree || odd.has(name) || ignored.has(name) || (wanted && !wanted.has(name))) {
          read.push(undefined);
          continue;
        }
        const own = chunks.get(name) ?? [];
        const data = await parsed(path, async () => {
          await checkColumn(file, group, own, tree);
          return readColumn(file, metadata, group, own, tree);
        });
        if (data.length !== numRows) {
          throw new DataError(`the file is damaged: expected ${numRows} values, got ${data.length}`, {
            file: path,
            line: rowStart + 1,
            column: name,
          });
        }
        read.push(data);
      }
      for (let row = 0; row < numRows; row += BATCH_ROWS) {
        const size = Math.min(BATCH_ROWS, numRows - row);
        const lines = Array.from({ length: size }, (_, i) => i);
        const records = lines.map((i) => ({ values: read.map((data) => data?.[row + i]), leaves }));
        yield { records, lines, numLines: size };
      }
      rowStart += numRows;
    }
  }
}

/** @throws {Error} a page of the column is damaged in a way that hyparquet would not end of */
async function checkColumn(
  file: AsyncBuffer,
  group: RowGroup,
  chunks: readonly ColumnChunk[],
  column: SchemaTree,
): Promise<void> {
  const levels = levelsOf(column);
  for (const { meta_data: meta } of chunks) {
    if (!meta) continue;
    const numValues = Number(meta.num_values);
    if (levels.maxRepetition === 0 && numValues !== Number(group.num_rows))
      throw new Error(`a column has ${numValues} values in ${group.num_rows} rows`);
    // some writers state 0 where there is no dictionary
    const start = Number(meta.dictionary_page_offset ?? 0) || Number(meta.data_page_offset);
    const bytes = await file.slice(start, start + Number(meta.total_compressed_size));
    checkPages(new Uint8Array(bytes), { codec: meta.codec, numValues, ...levels }, compressors);
  }
}

/**
 * A column's values in a row group. hyparquet is shown a file of nothing else: it looks through all columns for each, which
 * takes minutes where there are ten thousand.
 */
async function readColumn(
  file: AsyncBuffer,
  metadata: FileMetaData,
  group: RowGroup,
  columns: ColumnChunk[],
  column: SchemaTree,
): Promise<ArrayLike<unknown>> {
  const root = { ...metadata.schema[0]!, num_children: 1 };
  const alone = { ...metadata, schema: [root, ...elementsOf(column)], row_groups: [{ ...group, columns }] };
  const scan = await parquetScan({ file, metadata: alone, compressors, parsers, useOffsetIndex: false });
  return scan.readColumn({ column: column.element.name, rowStart: 0, rowEnd: Number(group.num_rows) });
}

/** Schema elements of a column, parents before their children. */
function elementsOf({ element, children }: SchemaTree): SchemaElement[] {
  return [element, ...children.flatMap(elementsOf)];
}

/** The chunks of each column. */
function chunksOf({ columns }: RowGroup): Map<string, ColumnChunk[]> {
  const chunks = new Map<string, ColumnChunk[]>();
  for (const chunk of columns) {
    const name = chunk.meta_data?.path_in_schema[0] ?? "";
    const others = chunks.get(name);
    if (others) others.push(chunk);
    else chunks.set(name, [chunk]);
  }
  return chunks;
}

/** Levels of a column's one leaf. */
function levelsOf(column: SchemaTree): { maxDefinition: number; maxRepetition: number } {
  const levels = { maxDefinition: 0, maxRepetition: 0 };
  for (let node: SchemaTree | undefined = column; node; node = node.children[0]) {
    if (node.element.repetition_type !== "REQUIRED") levels.maxDefinition++;
    if (node.element.repetition_type === "REPEATED") levels.maxRepetition++;
  }
  return levels;
}

/** The file as hyparquet reads it; what was checked last is not read again. */
function asyncBuffer({ totalBytes, slice }: RandomAccessFile): AsyncBuffer {
  let last: { start: number; end: number; bytes: Promise<ArrayBuffer> } | undefined;
  return {
    byteLength: totalBytes,
    slice(start, end = totalBytes) {
      if (last?.start !== start || last.end !== end) last = { start, end, bytes: slice(start, end) };
      return last.bytes;
    },
  };
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text is checked as it is everywhere; times keep their form; JSON is text. */
const parsers = {
  stringFromBytes: (bytes: Uint8Array | undefined) => bytes && decoder.decode(bytes),
  jsonFromBytes: (bytes: Uint8Array | undefined) => bytes && decoder.decode(bytes),
  dateFromDays: (days: number | undefined) => (days === undefined ? undefined : new Day(days)),
};

/** A date without a time of day. */
class Day {
  constructor(readonly days: number) {}
}

/** What a value is as a cell; empty for null. */
function textOf(value: unknown, { type, converted_type, scale }: SchemaElement, column: string): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    // hyparquet multiplies by a power of ten: 7 * 0.1 is 0.7000000000000001
    if (converted_type === "DECIMAL") return numberText(Number(value.toFixed(scale ?? 0)));
    return type === "FLOAT" ? floatText(value) : numberText(value);
  }
  if (value instanceof Date || value instanceof Day) {
    const time = value instanceof Date ? value : new Date(value.days * 86400000);
    if (Number.isNaN(time.getTime())) throw new RowFault("no time", "the time is out of range", column);
    return value instanceof Date ? time.toISOString() : time.toISOString().slice(0, 10);
  }
  throw new RowFault(
    "unsupported value type",
    "expected text, a number, a boolean, a time or a list of these",
    column,
  );
}

/** NaN is how many writers spell a missing number. */
function numberText(value: number): string {
  if (Number.isNaN(value)) return "";
  return Object.is(value, -0) ? "0" : String(value);
}

/** The shortest text that reads back as the same 32-bit float: 0.1 and not 0.10000000149011612. */
function floatText(value: number): string {
  for (let digits = 6; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return numberText(short);
  }
  return numberText(value);
}

function leafOf(tree: SchemaTree): SchemaTree {
  return tree.children.length === 1 ? leafOf(tree.children[0]!) : tree;
}

/** A list of scalars: a repeated leaf, or LIST's three (or two) levels. */
function isList({ element, children }: SchemaTree): boolean {
  if (children.length === 0) return element.repetition_type === "REPEATED";
  const isAnnotated = element.converted_type === "LIST" || element.logical_type?.type === "LIST";
  const [inner] = children;
  if (!isAnnotated || children.length !== 1 || inner!.element.repetition_type !== "REPEATED") return false;
  if (inner!.children.length === 0) return true;
  return inner!.children.length === 1 && inner!.children[0]!.children.length === 0;
}

/** What is wrong with a column that is neither a scalar nor a list of them; undefined where nothing is. */
function shapeProblem(path: string, tree: SchemaTree, ignored: ReadonlySet<string>): DataError | undefined {
  const { name } = tree.element;
  if (ignored.has(name)) return undefined;
  const leaf = leafOf(tree).element;
  const place = { file: path, column: name };
  // hyparquet would give the digits without their scale
  if (leaf.logical_type?.type === "DECIMAL" && leaf.converted_type !== "DECIMAL")
    return new DataError("unsupported decimal type: write it as a double or as a string", place);
  if (tree.children.length === 0 || isList(tree)) return undefined;
  return new DataError(
    "expected single values or lists, got a nested column: flatten it, or exclude it with --ignore",
    place,
  );
}

function checkDistinct(path: string, columns: string[]): void {
  const seen = new Set<string>();
  const twice = columns.find((name) => seen.size === seen.add(name).size);
  if (twice !== undefined)
    throw new DataError("two columns have the same name: rename one of them", { file: path, column: twice });
}

/** What hyparquet throws about bytes is an error of the data. */
async function parsed<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof EmbedError) throw error;
    const message =
      typeof error === "object" && error !== null && "message" in error ? String(error.message) : "";
    throw new DataError(`the file is damaged, or uses an unsupported Parquet feature (${message})`, {
      file: path,
    });
  }
}
