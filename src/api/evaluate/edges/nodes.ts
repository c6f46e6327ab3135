// The nodes of an edge evaluation: the keys of a field for which all runs have vectors.
//
//   a run's table ──► rows of its node field ──► rows and nodes of --new-nodes ──► rows of the nodes that all runs have

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

export interface Nodes {
  /** field whose keys are the nodes */
  field: string;
  /** table in which each row is a node */
  table: EmbeddingTable;
}

/**
 * Returns the node rows of a run. Items are composed if the run has side columns of items.
 *
 * @param named name of the field; by default the item field, or the only field
 * @returns the nodes, and a sentence about their vectors if they are composed
 * @throws {UsageError} the field does not exist, or there are several fields and none is the item field
 */
export async function nodesOf(
  opened: OpenTable,
  named: string | undefined,
): Promise<Nodes & { note?: string }> {
  const field = named === undefined ? defaultField(opened) : opened.fieldNamed(named);
  const { table, note, item } = await composeItems(opened, undefined);
  return { ...nodesIn(table, field), ...(note !== undefined && item === field && { note }) };
}

/** Returns the rows of a field, without rows that have no key. @throws {UsageError} the field does not exist */
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
 * Appends those nodes of a file that the run lacks.
 *
 * @param path CSV as `embed transform` writes it: a key column (with the field's name, or the first one), and one
 *   column per dimension
 * @throws {UsageError} the vectors have another dimension than the run's
 * @throws {DataError} the file is not a table of vectors
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
  const { table: keyed, vectorsOf } = collector.finish(path);
  const file = { ...keyed, vectors: vectorsOf({ first: 0, last: keyed.numRows }) };
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
  const nodes = { field, table: appendedNodes(table, added) };
  return { nodes, added: added.numRows, known: file.numRows - added.numRows };
}

/** Returns from each table the rows of the common keys, sorted by the keys' bytes, so that no run decides the order. */
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

/** Appends the rows of `b` to the rows of `a`; both tables have a single field with the same name. */
function appendedNodes(a: EmbeddingTable, b: EmbeddingTable): EmbeddingTable {
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
