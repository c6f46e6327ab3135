// The nodes whose edges are evaluated: the keys of one field that every run has a vector of.
//
//   a run's table ──► rows of its field of nodes ──► with those of a file of new ones ──► rows of the nodes that all runs have

import { compareKeys, joinedKeys } from "../../../log/keys.js";
import { isHole, pickRows, rowsOf, type EmbeddingTable } from "../../../embedding/table.js";
import { UsageError, excerpt } from "../../../errors.js";
import { TableCollector } from "../../../import/collector.js";
import { readDelimited } from "../../../import/delimited.js";
import { defaultReadOptions } from "../../../log/log.js";
import { openLog } from "../../../log/open.js";
import { NO_ITEM } from "../../../kernels/top-items/binding.js";
import { rowsOfKeys } from "../../../training/judging/ranked-items.js";
import { composeItems } from "../../compose.js";
import type { OpenTable } from "../../tables.js";

/** A run's nodes. */
export interface Nodes {
  /** whose keys they are */
  field: string;
  /** one row a node */
  table: EmbeddingTable;
}

/**
 * The rows of a run's nodes; items are composed where columns go with them.
 *
 * @param named the field; by default the item's, or the only one
 * @returns with a sentence on what rows stand for, where they are composed
 * @throws {UsageError} no such field, or several and none is the item's
 */
export async function nodesOf(
  opened: OpenTable,
  named: string | undefined,
): Promise<Nodes & { note?: string }> {
  const field = named === undefined ? defaultField(opened) : opened.fieldNamed(named);
  const { table, note, item } = await composeItems(opened, undefined);
  return { ...nodesIn(table, field), ...(note !== undefined && item === field && { note }) };
}

/** The rows of a field, holes left out. @throws {UsageError} there is no such field */
export function nodesIn(table: EmbeddingTable, field: string): Nodes {
  const { first, last } = rowsOf(table, field);
  const rows = Array.from({ length: last - first }, (_, i) => first + i).filter((row) => !isHole(table, row));
  return { field, table: pickRows(table, Uint32Array.from(rows)) };
}

function defaultField({ run, table: { fields }, fieldNamed }: OpenTable): string {
  const item = fieldNamed("item");
  if (fields.includes(item)) return item;
  if (fields.length === 1) return fields[0]!;
  throw new UsageError(
    `the table of run '${run.path}' has the fields ${fields.map(excerpt).join(", ")}: name the node field ` +
      "with --field",
  );
}

/**
 * Nodes with further ones: those of a file that they lack.
 *
 * @param path csv as `embed transform` writes it: a column of keys, the first one unless it is called as the field, and a column a number
 * @throws {UsageError} its vectors have another length
 * @throws {DataError} it is no table of vectors
 */
export async function withNewNodes(
  { field, table }: Nodes,
  path: string,
): Promise<{ nodes: Nodes; added: number; known: number }> {
  const log = await openLog([path], { ...defaultReadOptions, format: "csv", delimiter: "," });
  await log.close();
  const keyColumn = log.columns.includes(field) ? field : log.columns[0]!;
  const collector = new TableCollector({ field });
  await readDelimited(path, collector, { keyColumn, delimiter: ",", field });
  const file = collector.finish(path);
  if (file.dim !== table.dim)
    throw new UsageError(
      `--new-nodes: '${path}' has vectors of length ${file.dim} (key '${keyColumn}'), but the run's vectors ` +
        `have length ${table.dim}`,
    );
  const own = rowsOfKeys(table.keys, file.keys);
  const added = pickRows(
    file,
    Uint32Array.from(own.keys()).filter((row) => own[row] === NO_ITEM),
  );
  const nodes = { field, table: joined(table, added) };
  return { nodes, added: added.numRows, known: file.numRows - added.numRows };
}

/** The rows that all tables have, each in one order: that of the keys' bytes, so that the same nodes are numbered alike whatever the run. */
export function commonRows(tables: readonly EmbeddingTable[]): EmbeddingTable[] {
  const { keys } = tables[0]!;
  const found = tables.map((table) => rowsOfKeys(table.keys, keys));
  const common = Array.from({ length: keys.size }, (_, row) => row)
    .filter((row) => found.every((rows) => rows[row] !== NO_ITEM))
    .sort((a, b) => compareKeys(keys, a, b));
  return tables.map((table, t) =>
    pickRows(
      table,
      Uint32Array.from(common, (row) => found[t]![row]!),
    ),
  );
}

/** The rows of one table after those of another, both of one field. */
function joined(a: EmbeddingTable, b: EmbeddingTable): EmbeddingTable {
  const numRows = a.numRows + b.numRows;
  const vectors = new Float32Array(numRows * a.dim);
  vectors.set(a.vectors);
  vectors.set(b.vectors, a.vectors.length);
  const counts = new Uint32Array(numRows);
  counts.set(a.counts);
  const { weights: _, ...rest } = a;
  return {
    ...rest,
    numRows,
    fieldOf: new Uint32Array(numRows).fill(a.fieldOf[0] ?? 0),
    keys: joinedKeys(a.keys, b.keys),
    counts,
    vectors,
  };
}
