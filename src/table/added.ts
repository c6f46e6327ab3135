// Tables of rows that were added to a run after its training: vectors of new items from content, which `transform
// --append` writes.
//
//   embeddings.arrow         the trained rows, to whose row numbers the model's files refer
//   embeddings.added.arrow   rows of the same fields and dimension; `count` is the number of events of the item, 0 if
//                            its vector comes from content alone
//
// Commands that show a table include both files, the added rows of a field after its trained rows. `--table default`
// and `--table added` select one file.

import { encodeKeys, keyAt } from "../log/keys.js";
import { rangeOf, tableRows, type RowPass, type TableRows } from "./rows.js";
import type { Run } from "./run-directory.js";
import { rowsOf, type EmbeddingTable } from "./table.js";

export const ADDED_TABLE = "added";

/** Reads the table of added rows; undefined if the run has none. @throws {ArtifactError} the table is damaged */
export async function readAdded(run: Pick<Run, "tables" | "readTable">): Promise<EmbeddingTable | undefined> {
  return run.tables.includes(ADDED_TABLE) ? await run.readTable(ADDED_TABLE) : undefined;
}

/** Reads a run's table by its name; without a name, the default table with the added rows. */
export async function readWithAdded(run: Run, name?: string): Promise<EmbeddingTable> {
  const table = await run.readTable(name);
  const added = name === undefined ? await readAdded(run) : undefined;
  return added ? withAdded(table, added) : table;
}

/** Calls `use` with the rows of a run's table, read on demand. The name selects a table as in readWithAdded. */
export async function rowsWithAdded<T>(
  run: Run,
  name: string | undefined,
  use: (rows: TableRows) => Promise<T>,
): Promise<T> {
  const added = name === undefined ? await readAdded(run) : undefined;
  return await run.withRows(name, async (rows) => await use(added ? await inserted(rows, added) : rows));
}

/**
 * Returns a table in which the added rows of each field follow the field's own rows; its arrays are copies.
 * @param added table with the same fields and dimension
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

/** Puts the added rows of a field after its trained rows. @param added table with a single field */
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

interface AddedRow {
  key: string;
  count: number;
  /** weight of the row; absent if the table has no weights */
  weight?: number;
  vector: ArrayLike<number>;
}

/**
 * Returns a table of a run's earlier added rows and new ones. A new row replaces the earlier added row of the same key.
 *
 * @param field the field of the new rows
 * @param before the table of earlier added rows; undefined if there is none
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
