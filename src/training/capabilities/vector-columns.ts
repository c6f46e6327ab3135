import type { TableRows } from "../../table/rows.js";
import type { EmbeddingTable } from "../../table/table.js";
import { rotatedRows } from "../../metrics/alignment.js";
import type { Rotate, VectorBlock } from "./rotation.js";

export interface Rotated {
  blocks: VectorBlock[];
  matrix: number[][];
}

/** Returns f32[n * width]: a range of columns of rows; the rows themselves if it has all columns. */
export function columnsIn(
  rows: Float32Array,
  dim: number,
  { offset, width }: Pick<VectorBlock, "offset" | "width">,
): Float32Array {
  if (width === dim) return rows;
  const out = new Float32Array((rows.length / dim) * width);
  for (let [from, to] = [offset, 0]; to < out.length; from += dim, to += width)
    out.set(rows.subarray(from, from + width), to);
  return out;
}

/** Writes a range of columns of rows. @param columns f32[n * width] */
export function putColumns(
  rows: Float32Array,
  dim: number,
  { offset, width }: Pick<VectorBlock, "offset" | "width">,
  columns: Float32Array,
): void {
  for (let [from, to] = [0, offset]; from < columns.length; from += width, to += dim)
    rows.set(columns.subarray(from, from + width), to);
}

const ROTATED_ROWS = 4096;

/** Returns a function that rotates rows of a table; columns without a rotation are copied. */
export function rotateBy(rotations: readonly Rotated[], { fields, dim }: EmbeddingTable): Rotate {
  const ofField = fields.map((field) =>
    rotations.flatMap(({ blocks, matrix }) =>
      blocks.filter((block) => block.field === field).map(({ offset, width }) => ({ offset, width, matrix })),
    ),
  );
  return (vectors, fieldOf) => {
    const out = vectors.slice();
    const numRows = vectors.length / dim;
    for (let [first, last] = [0, 0]; first < numRows; first = last) {
      const field = fieldOf[first]!;
      while (last < numRows && last < first + ROTATED_ROWS && fieldOf[last] === field) last++;
      const rows = out.subarray(first * dim, last * dim);
      for (const { matrix, ...block } of ofField[field]!)
        putColumns(rows, dim, block, rotatedRows(columnsIn(rows, dim, block), matrix));
    }
    return out;
  };
}

/** Returns rows with other vectors, which are computed from each batch. */
export function rowsRotated(rows: TableRows, vectorsOf: (batch: EmbeddingTable) => Float32Array): TableRows {
  return {
    ...rows,
    async *batches(pass) {
      for await (const { start, table } of rows.batches(pass))
        yield { start, table: { ...table, vectors: vectorsOf(table) } };
    },
  };
}
