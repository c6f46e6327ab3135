// An open Parquet file: its columns, the reasons why some columns cannot be read, and the positions of their bytes in
// each row group.

import {
  parquetMetadataAsync,
  parquetSchema,
  type FileMetaData,
  type RowGroup,
  type SchemaTree,
} from "hyparquet";
import { DataError, EmbedError } from "../../base/errors.js";
import { openRandomAccess, type RandomAccessFile } from "../../base/io/random-access.js";
import type { LogFile } from "../log.js";
import type { FileColumns } from "../file-columns.js";
import type { LeafColumn } from "./cursor.js";
import { damagedFile } from "./pages.js";

export interface ParquetFile extends FileColumns {
  source: RandomAccessFile;
  metadata: FileMetaData;
  trees: ReadonlyMap<string, SchemaTree>;
  numRows: number;
}

/** Opens a file. @throws {DataError} it is not Parquet, is damaged, has no rows, or has two columns of the same name */
export async function openParquetFile({ path, partition }: LogFile): Promise<ParquetFile> {
  const source = await openRandomAccess(path);
  try {
    const { totalBytes, slice } = source;
    const { metadata, children } = await parsed(path, async () => {
      const file = { byteLength: totalBytes, slice: (start: number, end = totalBytes) => slice(start, end) };
      const found = await parquetMetadataAsync(file);
      return { metadata: found, children: parquetSchema(found).children };
    });
    const columns = children.map(({ element }) => element.name);
    checkDistinct(path, columns);
    const trees = new Map(children.map((child) => [child.element.name, child]));
    let numRows = 0;
    for (const group of metadata.row_groups) numRows += rowGroupSize(path, group);
    if (numRows === 0)
      throw new DataError("the file holds no row: expected a Parquet file with rows", {
        file: path,
        line: 1,
      });
    return { path, columns, partition, source, metadata, trees, numRows };
  } catch (error) {
    await source.close();
    throw error;
  }
}

export function rowGroupSize(path: string, { num_rows }: RowGroup): number {
  const numRows = Number(num_rows);
  if (!(Number.isSafeInteger(numRows) && numRows >= 0))
    throw new DataError(`the file is damaged: a row group of ${num_rows} rows`, { file: path });
  return numRows;
}

/** Adds up the uncompressed bytes of the pages of row groups for each column, as the file states them. */
export function addPageBytes(groups: readonly RowGroup[], bytes: Map<string, number>): void {
  for (const { columns } of groups) {
    for (const { meta_data: meta } of columns) {
      const name = meta?.path_in_schema[0];
      if (name !== undefined) bytes.set(name, (bytes.get(name) ?? 0) + Number(meta!.total_uncompressed_size));
    }
  }
}

/**
 * Returns a function that returns the column chunks of one row group by name.
 *
 * @throws {DataError} the position or the number of values is invalid
 */
export function leafFinder(
  { path, trees, source }: ParquetFile,
  group: RowGroup,
): (name: string, separator: string | undefined) => LeafColumn {
  const numRows = rowGroupSize(path, group);
  const chunks = new Map(group.columns.map((chunk) => [chunk.meta_data?.path_in_schema[0] ?? "", chunk]));
  return (name, separator) => {
    const damaged = (what: string) =>
      new DataError(`the file is damaged: ${what}`, { file: path, column: name });
    const meta = chunks.get(name)?.meta_data;
    if (!meta) throw damaged("a row group lacks the column");
    const tree = trees.get(name)!;
    const { element } = leafOf(tree);
    const levels = levelsOf(tree);
    // some writers store the dictionary offset 0 if there is no dictionary
    const [first, dictionary] = [Number(meta.data_page_offset), Number(meta.dictionary_page_offset ?? 0)];
    const start = dictionary > 0 && dictionary < first ? dictionary : first;
    const end = start + Number(meta.total_compressed_size);
    if (!(start >= 0 && end >= start && end <= source.totalBytes))
      throw damaged(`it points to bytes ${start} to ${end} of ${source.totalBytes}`);
    const numValues = Number(meta.num_values);
    if (levels.maxRepetition === 0 && numValues !== numRows)
      throw damaged(`a column has ${numValues} values in ${numRows} rows`);
    return {
      name,
      element,
      codec: meta.codec,
      start,
      end,
      numValues,
      ...levels,
      separator,
    };
  };
}

/** Returns the error for a column that is neither a scalar nor a list of scalars, or undefined. */
export function shapeProblem(path: string, tree: SchemaTree): DataError | undefined {
  const leaf = leafOf(tree).element;
  const place = { file: path, column: tree.element.name };
  // for a decimal without a converted type, hyparquet would return the digits without their scale
  if (leaf.logical_type?.type === "DECIMAL" && leaf.converted_type !== "DECIMAL")
    return new DataError(
      "a decimal is stated in a way that is not read: write it as a double or as text",
      place,
    );
  if (levelsOf(tree).maxRepetition < 2 && (tree.children.length === 0 || isList(tree))) return undefined;
  return new DataError(
    "expected a column of single values or of lists of them, got a nested one: flatten it, or --ignore the column",
    place,
  );
}

/** Whether a column is a list of scalars: a repeated leaf, or the three (or two) levels of LIST. */
export function isList({ element, children }: SchemaTree): boolean {
  if (children.length === 0) return element.repetition_type === "REPEATED";
  const isAnnotated = element.converted_type === "LIST" || element.logical_type?.type === "LIST";
  const [inner] = children;
  if (!isAnnotated || children.length !== 1 || inner!.element.repetition_type !== "REPEATED") return false;
  if (inner!.children.length === 0) return true;
  return inner!.children.length === 1 && inner!.children[0]!.children.length === 0;
}

/** Returns the maximum definition and repetition levels of a column's leaf. */
function levelsOf(column: SchemaTree): { maxDefinition: number; maxRepetition: number } {
  const levels = { maxDefinition: 0, maxRepetition: 0 };
  for (let node: SchemaTree | undefined = column; node; node = node.children[0]) {
    if (node.element.repetition_type !== "REQUIRED") levels.maxDefinition++;
    if (node.element.repetition_type === "REPEATED") levels.maxRepetition++;
  }
  return levels;
}

function leafOf(tree: SchemaTree): SchemaTree {
  return tree.children.length === 1 ? leafOf(tree.children[0]!) : tree;
}

function checkDistinct(path: string, columns: string[]): void {
  const seen = new Set<string>();
  const twice = columns.find((name) => seen.size === seen.add(name).size);
  if (twice !== undefined)
    throw new DataError("two columns have the same name: rename one of them", { file: path, column: twice });
}

/** Converts errors that hyparquet throws about invalid bytes into data errors. */
async function parsed<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof EmbedError) throw error;
    throw damagedFile(error, { file: path });
  }
}
