// Rows that were added to a run after its training: vectors of new items from content, written by `transform --append`.
//
//   embeddings.arrow         the rows that the model was trained with; the model's files refer to them
//   embeddings.added.arrow   rows of the same fields and width; `count` is the number of events of a row, 0 if it comes from content alone
//
// Commands that show a table include both, a field's added rows after its trained ones. `--table default` and `--table
// added` select one.

import { encodeKeys, keyAt } from "../log/keys.js";
import { rangeOf, tableRows, type RowPass, type TableRows } from "./rows.js";
import type { Run } from "./run-directory.js";
import { rowsOf, type EmbeddingTable } from "./table.js";

/** The name of the table of added rows. */
export const ADDED_TABLE = "added";

/** Reads the rows that were added, if the run has any. @throws {ArtifactError} damaged */
export async function readAdded(run: Pick<Run, "tables" | "readTable">): Promise<EmbeddingTable | undefined> {
  return run.tables.includes(ADDED_TABLE) ? await run.readTable(ADDED_TABLE) : undefined;
}

/** Reads a run's table by name; without a name the default table with the added rows. @throws as Run.readTable */
export async function readWithAdded(run: Run, name?: string): Promise<EmbeddingTable> {
  const table = await run.readTable(name);
  const added = name === undefined ? await readAdded(run) : undefined;
  return added ? withAdded(table, added) : table;
}

/** Like readWithAdded, for rows that are read while they are used. */
export async function rowsWithAdded<T>(
  run: Run,
  name: string | undefined,
  use: (rows: TableRows) => Promise<T>,
): Promise<T> {
  const added = name === undefined ? await readAdded(run) : undefined;
  return await run.withRows(name, async (rows) => await use(added ? await inserted(rows, added) : rows));
}

/**
 * Returns a table with each field's added rows after its own; its arrays are copies. @param added table with the same
 * fields and width
 */
export function withAdded(table: EmbeddingTable, added: EmbeddingTable): EmbeddingTable {
  const { dim, fields } = table;
  const pieces = fields.flatMap((field) => [
    { of: table, range: rowsOf(table, field) },
    { of: added, range: rowsOf(added, field) },
  ]);
  const numRows = table.numRows + added.numRows;
  const joined = {
    fieldOf: new Uint32Array(numRows),
    counts: new Uint32Array(numRows),
    weights: new Float32Array(numRows),
    vectors: new Float32Array(numRows * dim),
  };
  const keys: Uint8Array[] = [];
  const offsets = new Uint32Array(numRows + 1);
  let [row, bytes] = [0, 0];
  for (const { of, range } of pieces) {
    const { first, last } = range;
    joined.fieldOf.set(of.fieldOf.subarray(first, last), row);
    joined.counts.set(of.counts.subarray(first, last), row);
    if (of.weights) joined.weights.set(of.weights.subarray(first, last), row);
    joined.vectors.set(of.vectors.subarray(first * dim, last * dim), row * dim);
    const from = of.keys.offsets[first]!;
    for (let i = first; i < last; i++) offsets[++row] = bytes + of.keys.offsets[i + 1]! - from;
    keys.push(of.keys.bytes.subarray(from, of.keys.offsets[last]));
    bytes = offsets[row]!;
  }
  const { weights, ...others } = joined;
  return {
    ...{ dim, numRows, fields },
    keys: { size: numRows, bytes: Buffer.concat(keys), offsets },
    ...others,
    ...(table.weights && { weights }),
  };
}

/** Returns rows with the added ones after those of their field. @param added table of one field */
async function inserted(rows: TableRows, added: EmbeddingTable): Promise<TableRows> {
  if (added.numRows === 0) return rows;
  const more = added.numRows;
  const { last: at } = await rangeOf(rows, added.fields[added.fieldOf[0]!]);
  const extra = tableRows(added);
  return {
    ...rows,
    numRows: rows.numRows + more,
    async *batches({
      range: { first, last } = { first: 0, last: rows.numRows + more },
      vectors = true,
    }: RowPass = {}) {
      const pass = (from: number, to: number) => ({ range: { first: from, last: to }, vectors });
      if (first < at) yield* rows.batches(pass(first, Math.min(last, at)));
      const [from, to] = [Math.max(first - at, 0), Math.min(last - at, more)];
      if (from < to)
        for await (const { start, table } of extra.batches(pass(from, to)))
          yield { start: start + at, table };
      if (last > at + more)
        for await (const { start, table } of rows.batches(pass(Math.max(first - more, at), last - more)))
          yield { start: start + more, table };
    },
  };
}

/** One added row. */
export interface AddedRow {
  key: string;
  count: number;
  /** set if the table has weights */
  weight?: number;
  vector: ArrayLike<number>;
}

/**
 * Returns the added rows of a run together with new ones, which replace earlier added rows of the same key.
 *
 * @param field the field of the keys
 * @param before the rows that were added before
 */
export function addedTable(
  { dim, fields, weights }: Pick<EmbeddingTable, "dim" | "fields" | "weights">,
  field: string,
  rows: readonly AddedRow[],
  before: EmbeddingTable | undefined,
): EmbeddingTable {
  const fresh = new Set(rows.map(({ key }) => key));
  const kept: AddedRow[] = [];
  for (let row = 0; row < (before?.numRows ?? 0); row++) {
    const key = keyAt(before!.keys, row);
    if (fresh.has(key)) continue;
    const vector = before!.vectors.subarray(row * dim, (row + 1) * dim);
    kept.push({ key, count: before!.counts[row]!, weight: before!.weights?.[row] ?? 0, vector });
  }
  const all = [...kept, ...rows];
  const vectors = new Float32Array(all.length * dim);
  all.forEach(({ vector }, row) => vectors.set(vector, row * dim));
  return {
    ...{ dim, numRows: all.length, fields },
    fieldOf: new Uint32Array(all.length).fill(fields.indexOf(field)),
    keys: encodeKeys(all.map(({ key }) => key)),
    counts: Uint32Array.from(all, ({ count }) => count),
    ...(weights && { weights: Float32Array.from(all, ({ weight = 0 }) => weight) }),
    vectors,
  };
}
