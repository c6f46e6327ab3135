// The matrix of a decomposition. It is sparse; its scalings and means are applied in products, and the result is never
// stored.
//
//   A = D_r S D_c - 1 m'
//
//   S  sparse, numRows x numColumns     D_r, D_c  diagonal     m  means of the columns of D_r S D_c

import type { SparseRows } from "../../kernels/als/binding.js";
import { degreesOf, inverseRoots } from "../../../base/numeric/scales.js";
import type { ColumnFilter } from "./filter.js";
import { blockStarts, rowsOfBlock, type InBlocks } from "./matrix-blocks.js";

export interface SvdMatrix {
  rows: SparseRows;
  /** the entries of S by columns */
  columns: SparseRows;
  /** scale of each row (diagonal of D_r), f32[numRows]; 1 when absent */
  rowScale?: Float32Array;
  /** scale of each column (diagonal of D_c), f32[numColumns]; 1 when absent */
  columnScale?: Float32Array;
  /** means of the scaled columns, f32[numColumns]; 0 when absent */
  means?: Float32Array;
  /** spectral filter that is applied after the matrix (filter.ts); cannot be combined with means */
  filter?: ColumnFilter;
  /** decomposes rows in blocks (matrix-blocks.ts), for which `columns` needs no entries: `isInBlocks` must be true */
  inBlocks?: InBlocks | undefined;
}

/**
 * Returns D_u^-1/2 S D_i^-1/2 for entries that are all 1, where D_u and D_i are the row and column sums of S.
 *
 * @param columns the same entries by columns
 */
export function degreeNormalized(rows: SparseRows, columns: SparseRows): SvdMatrix {
  const rowScale = inverseRoots(degreesOf(rows.indptr));
  return { rows, columns, rowScale, columnScale: inverseRoots(degreesOf(columns.indptr)) };
}

export const numRowsOf = ({ rows }: SvdMatrix): number => rows.indptr.length - 1;
export const numColumnsOf = ({ columns }: SvdMatrix): number => columns.indptr.length - 1;

export interface ColumnMoments {
  /** mean and sum of squares of each scaled column, f64[numColumns] each */
  means: Float64Array;
  squares: Float64Array;
}

/** Returns the means and sums of squares of the scaled columns, before centering. */
export function columnMoments(matrix: SvdMatrix): ColumnMoments {
  const { rowScale, columnScale } = matrix;
  const numRows = numRowsOf(matrix);
  const means = new Float64Array(numColumnsOf(matrix));
  const squares = new Float64Array(means.length);
  for (const { first, rows } of partsOf(matrix))
    for (let r = 0; r + 1 < rows.indptr.length; r++) {
      const own = rowScale ? rowScale[first + r]! : 1;
      for (let e = rows.indptr[r]!; e < rows.indptr[r + 1]!; e++) {
        const x = (rows.values ? rows.values[e]! : 1) * own;
        means[rows.indices[e]!]! += x;
        squares[rows.indices[e]!]! += x * x;
      }
    }
  for (let c = 0; c < means.length; c++) {
    const scale = columnScale ? columnScale[c]! : 1;
    means[c] = (scale * means[c]!) / numRows;
    squares[c] = scale * scale * squares[c]!;
  }
  return { means, squares };
}

/** Yields the rows: all at once, or block by block if a store has them. */
function* partsOf({ rows, inBlocks }: SvdMatrix): Generator<{ first: number; rows: SparseRows }> {
  if (!inBlocks) {
    yield { first: 0, rows };
    return;
  }
  const starts = blockStarts(rows.indptr);
  for (const [index, first] of starts.slice(0, -1).entries())
    yield { first, rows: rowsOfBlock(rows, inBlocks, { index, first, last: starts[index + 1]! }) };
}

/**
 * Returns the total variance: the sum over columns of the squared deviations from the column's mean, divided by
 * numRows. It is the same whether the matrix is centered or not.
 */
export function totalVariance(matrix: SvdMatrix, { means, squares }: ColumnMoments): number {
  const numRows = numRowsOf(matrix);
  let total = 0;
  for (let c = 0; c < means.length; c++) total += squares[c]! / numRows - means[c]! * means[c]!;
  return Math.max(0, total);
}
