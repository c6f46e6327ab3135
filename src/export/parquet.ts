// parquet: field, key, count[, weight], and the vector as a plain list, or under --wide in the columns v0, v1, ...

import { keyText, type EmbeddingTable } from "../embedding/table.js";
import { ParquetRows, type ParquetCells, type ParquetColumn } from "./parquet-rows.js";
import type { Selection } from "./selection.js";

const ROWS_A_GROUP = 65_536;

/** The bytes of the file. */
export function* parquetTable(selection: Selection): Generator<Uint8Array> {
  const { table, weights, wide, first, last } = selection;
  const numbers: ParquetColumn[] = wide
    ? Array.from({ length: table.dim }, (_, d) => ({ name: `v${d}`, type: "float" }))
    : [{ name: "vector", type: "float", list: true }];
  const file = new ParquetRows([
    { name: "field", type: "key" },
    { name: "key", type: "key" },
    { name: "count", type: "count" },
    ...(weights ? [{ name: "weight", type: "float" } as const] : []),
    ...numbers,
  ]);
  for (let from = first; from < last; from += ROWS_A_GROUP) {
    const to = Math.min(last, from + ROWS_A_GROUP);
    const texts = (of: (row: number) => string): string[] =>
      Array.from({ length: to - from }, (_, i) => of(from + i));
    yield file.write([
      texts((row) => table.fields[table.fieldOf[row]!]!),
      texts((row) => keyText(table.keys, row)),
      Int32Array.from(table.counts.subarray(from, to)),
      ...(weights ? [weights.slice(from, to)] : []),
      ...(wide ? columnsOf(table, from, to) : [listsOf(table, from, to)]),
    ]);
  }
  yield file.end();
}

function listsOf({ dim, vectors }: EmbeddingTable, from: number, to: number): Float32Array[] {
  return Array.from({ length: to - from }, (_, i) =>
    vectors.subarray((from + i) * dim, (from + i + 1) * dim),
  );
}

function columnsOf({ dim, vectors }: EmbeddingTable, from: number, to: number): ParquetCells[] {
  return Array.from({ length: dim }, (_, d) =>
    Float32Array.from({ length: to - from }, (_, i) => vectors[(from + i) * dim + d]!),
  );
}
