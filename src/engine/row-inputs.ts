// Inputs that are read as rows (a file, a table or a query), and their columns under the options of the log.

import { DataError, NoRowsError } from "../errors.js";
import { partitionCell } from "../log/file-columns.js";
import { holdsTimes, separatorIn, type ListSeparators, type LeafColumn } from "../log/parquet/cursor.js";
import { noSuchColumn } from "../log/read.js";
import { leafOf } from "./arrow-columns.js";
import { batchesIn, int64At, type ExpectedType } from "./batches.js";
import { countRows, projected, quotedColumn, type Relation } from "./plans.js";
import type { SparkType } from "./session-types.js";
import type { EngineSession } from "./session.js";

/** An input that is read as rows: a file, or a table or query with its order columns. */
export interface RowInput {
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

/** An input whose columns and number of rows are known. */
export interface OpenInput extends RowInput {
  columns: string[];
  types: ReadonlyMap<string, SparkType>;
  /** number of rows; Infinity if they were not counted */
  numRows: number;
}

/** The column that contains the number of each row in its file. */
export const POSITION = quotedColumn("embed_position");

/**
 * Finds the columns and the number of rows of an input.
 *
 * @param slice number of bytes that the rows of one job have, if rows are read in slices
 * @throws {DataError} it has no rows, or two columns of the same name @throws {UsageError} a column of its order is
 * missing
 * @throws {EmbedError} as Session.run
 */
export async function openInput(
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

export function noRows({ order, path }: RowInput): NoRowsError {
  const what = order
    ? "the table or query has no rows"
    : "the file holds no row: expected a Parquet file with rows";
  return new NoRowsError(what, { file: path, line: 1 });
}

/** Whether the cells of a column are lists. */
export function isList({ types }: OpenInput, name: string): boolean {
  return leafOf(name, types.get(name)!)?.maxRepetition === 1;
}

/** Whether each cell of a column is a single time. */
export function isTime(file: OpenInput, name: string, columns: ListSeparators): boolean {
  const column = columnOf(file, name, columns);
  return typeof column !== "string" && holdsTimes(column);
}

/**
 * Returns a column of an input, or a text that all rows have in this column: a cell from the file's path, or an empty
 * cell.
 */
export function columnOf(file: OpenInput, name: string, columns: ListSeparators): LeafColumn | string {
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
export function selected(file: OpenInput, names: readonly string[]): { relation: Relation; order: string[] } {
  const cells = names.map((name, i) => `${quotedColumn(name)} AS embed_${i}`);
  const order = file.order
    ? file.order.map((name, i) => [quotedColumn(name), `embed_order_${i}`] as const)
    : [["_metadata.row_index", POSITION] as const];
  const relation = projected(file.relation, [...cells, ...order.map(([what, as]) => `${what} AS ${as}`)]);
  return { relation, order: order.map(([, as]) => as) };
}

/** Returns the expected types of an input's selected columns, followed by those of its order columns. */
export function expectedOf({ order }: OpenInput, names: readonly string[]): ExpectedType[] {
  const cells = names.map((): ExpectedType => "any");
  return [...cells, ...(order ? order.map((): ExpectedType => "any") : (["int64"] as const))];
}
