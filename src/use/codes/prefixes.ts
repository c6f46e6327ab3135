// Vectors of fewer dimensions: rows are rotated to the principal axes of the table, and the first axes are kept.
//
//   M = sum over fields of X_f' X_f / trace(X_f' X_f)      the axes are M's eigenvectors, the same for all fields, so
//                                                          that dot products between fields keep as much as they can

import type { TableRows } from "../../table/rows.js";
import { rowsOf, type EmbeddingTable } from "../../table/table.js";
import { UsageError } from "../../base/errors.js";
import { addMoments, principalAxes, timesMatrix, type Axes } from "./principal-axes.js";

/** @param rows all rows of the table, whatever is exported of it */
export async function axesOf(rows: TableRows): Promise<Axes> {
  const { dim, fields } = rows;
  const ofField = fields.map(() => new Float64Array(dim * dim));
  for await (const { table } of rows.batches())
    for (const [f, field] of fields.entries()) {
      const { first, last } = rowsOf(table, field);
      addMoments(ofField[f]!, table.vectors.subarray(first * dim, last * dim), dim);
    }
  const sums = new Float64Array(dim * dim);
  for (const moments of ofField) {
    let trace = 0;
    for (let d = 0; d < dim; d++) trace += moments[d * dim + d]!;
    if (trace > 0) moments.forEach((x, i) => (sums[i]! += x / trace));
  }
  return principalAxes(sums, dim);
}

/** @throws {UsageError} the table does not have as many dimensions */
export function checkPrefix(flag: string, length: number, dim: number): void {
  if (length > dim)
    throw new UsageError(`${flag} must be at most the table's dimension, ${dim}, got ${length}`);
}

/** Returns the rows with their first `length` coordinates along the axes, f32[n][length]. */
export function prefixRows(rows: TableRows, length: number, { axes }: Axes): TableRows {
  const cut = (table: EmbeddingTable): EmbeddingTable => ({
    ...table,
    dim: length,
    vectors: timesMatrix(table.vectors, table.dim, axes, length),
  });
  return {
    ...rows,
    dim: length,
    async *batches(pass) {
      for await (const { start, table } of rows.batches(pass)) yield { start, table: cut(table) };
    },
  };
}

/** Returns the table projected onto the first `length` axes: vectors of the same dimension, with the prefixes' products. */
export function projected(table: EmbeddingTable, length: number, { axes }: Axes): EmbeddingTable {
  const { dim, vectors } = table;
  const projection = new Float64Array(dim * dim);
  for (let a = 0; a < dim; a++)
    for (let b = 0; b < dim; b++)
      for (let k = 0; k < length; k++) projection[a * dim + b]! += axes[a * dim + k]! * axes[b * dim + k]!;
  return { ...table, vectors: timesMatrix(vectors, dim, projection) };
}
