// parquet: field, key, count[, weight][, scale], and the vector as a list, or with --wide in the columns v0, v1, ...
//
// With --dtype f16 numbers are FLOAT16, with i8 they are INT_8 beside `scale`. With --reserve the file's metadata
// describes the reserved rows.

import type { EmbeddingTable } from "../../table/table.js";
import { encoded, type Encoded } from "../dtype.js";
import { type Coded, type ColumnValues, ParquetTable, type TableColumn } from "./parquet-table.js";
import { fileFormat } from "../format.js";
import { reserveMetadata } from "../reserve.js";
import type { Selection } from "../selection.js";

/** Number of rows that are transposed together; they fit in the processor's first-level cache. */
const ROWS_A_BLOCK = 64;

export const parquet = fileFormat({
  summary: "field, key, count, vector as a list; --wide: one column per dimension",
  keepsRows: true,
  takesDtype: true,
  chunks: parquetTable,
});

/** Yields the bytes of the file, some of them as views; each batch becomes a row group. */
async function* parquetTable(selection: Selection): AsyncGenerator<Uint8Array> {
  const { dim, hasWeights, wide, dtype = "f32", batches } = selection;
  const numbers: TableColumn[] = wide
    ? Array.from({ length: dim }, (_, d) => ({ name: `v${d}`, type: dtype }))
    : [{ name: "vector", type: dtype, perRow: dim }];
  const float = (name: string): TableColumn => ({ name, type: "f32" });
  const columns: TableColumn[] = [
    { name: "field", type: "name" },
    { name: "key", type: "key" },
    { name: "count", type: "count" },
    ...(hasWeights ? [float("weight")] : []),
    ...(dtype === "i8" ? [float("scale")] : []),
    ...numbers,
  ];
  const file = new ParquetTable(columns, reserveMetadata(selection));
  for await (const { table } of batches()) {
    const { values, scales } = encoded(table.vectors, dim, dtype);
    const cells: ColumnValues[] = [
      fieldsOf(table),
      table.keys,
      table.counts,
      ...(hasWeights ? [table.weights!] : []),
      ...(scales ? [scales] : []),
      ...(wide ? transposed(values, dim) : [values]),
    ];
    yield* file.rowGroup(table.numRows, cells);
  }
  yield file.end();
}

/** Returns the fields that occur in the batch; the rows of each are consecutive. */
function fieldsOf({ fields, fieldOf, numRows }: EmbeddingTable): Coded {
  const [first, last] = [fieldOf[0]!, fieldOf[numRows - 1]!];
  return { names: fields.slice(first, last + 1), codes: fieldOf.map((f) => f - first) };
}

/** Returns the columns of a row-major matrix. */
function transposed(values: Encoded["values"], dim: number): Encoded["values"][] {
  const numRows = values.length / dim;
  const turned = values.slice();
  for (let first = 0; first < numRows; first += ROWS_A_BLOCK) {
    const last = Math.min(first + ROWS_A_BLOCK, numRows);
    for (let d = 0; d < dim; d++)
      for (let row = first; row < last; row++) turned[d * numRows + row] = values[row * dim + d]!;
  }
  return Array.from({ length: dim }, (_, d) => turned.subarray(d * numRows, (d + 1) * numRows));
}
