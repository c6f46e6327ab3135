// parquet: field, key, count[, weight], and the vector as a plain list, or under --wide in the columns v0, v1, ...

import { keyText, type EmbeddingTable } from "../embedding/table.js";
import { ParquetRows, type ParquetCells, type ParquetColumn } from "./parquet-rows.js";
import type { Selection } from "./selection.js";

/** The bytes of the file; a batch is a row group. */
export async function* parquetTable(selection: Selection): AsyncGenerator<Uint8Array> {
  const { dim, hasWeights, wide } = selection;
  const numbers: ParquetColumn[] = wide
    ? Array.from({ length: dim }, (_, d) => ({ name: `v${d}`, type: "float" }))
    : [{ name: "vector", type: "float", list: true }];
  const file = new ParquetRows([
    { name: "field", type: "key" },
    { name: "key", type: "key" },
    { name: "count", type: "count" },
    ...(hasWeights ? [{ name: "weight", type: "float" } as const] : []),
    ...numbers,
  ]);
  for await (const { table, weights } of selection.batches()) {
    const texts = (of: (row: number) => string): string[] =>
      Array.from({ length: table.numRows }, (_, row) => of(row));
    yield file.write([
      texts((row) => table.fields[table.fieldOf[row]!]!),
      texts((row) => keyText(table.keys, row)),
      Int32Array.from(table.counts),
      ...(weights ? [weights.slice()] : []),
      ...(wide ? columnsOf(table) : [listsOf(table)]),
    ]);
  }
  yield file.end();
}

function listsOf({ dim, numRows, vectors }: EmbeddingTable): Float32Array[] {
  return Array.from({ length: numRows }, (_, row) => vectors.subarray(row * dim, (row + 1) * dim));
}

function columnsOf({ dim, numRows, vectors }: EmbeddingTable): ParquetCells[] {
  return Array.from({ length: dim }, (_, d) =>
    Float32Array.from({ length: numRows }, (_, row) => vectors[row * dim + d]!),
  );
}
