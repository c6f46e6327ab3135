// A sparse matrix → its leading components, and how much of its variance they explain.
//
//   A = U S V' + rest       explained variance of a component = variance over the rows of A v, about its mean

import { DataError } from "../../errors.js";
import { columnMoments, numRowsOf, totalVariance, type SvdMatrix } from "../../solvers/svd/matrix.js";
import { truncatedSvd, type TruncatedSvd } from "../../solvers/svd/truncated-svd.js";
import type { PcaOptions } from "./options.js";

/** What the components say of the matrix; variances are divided by rows - 1. */
export interface Spectrum {
  /** f64[dim], descending */
  singularValues: Float64Array;
  explainedVariance: Float64Array;
  /** over the variance of all columns together; absent for a filtered matrix, whose columns are never written out */
  explainedVarianceRatio?: Float64Array;
}

export interface Decomposition extends Omit<TruncatedSvd, "singularValues">, Spectrum {
  /** f32[numColumns]: what each column was multiplied by; absent for 1 */
  columnScale?: Float32Array;
  /** f32[numColumns]: what was taken off after that; absent for 0 */
  means?: Float32Array;
}

/**
 * The leading `dim` components of a matrix, its columns scaled and centred as the options say; fewer when its rank is less.
 *
 * @throws {DataError} the matrix has no entries
 * @throws as truncatedSvd
 */
export async function decompose(
  given: Omit<SvdMatrix, "means">,
  { center, scale, ...options }: PcaOptions,
  signal?: AbortSignal,
): Promise<Decomposition> {
  if (given.rows.indices.length === 0) throw new DataError("cannot decompose the matrix: it has no entries");
  const matrix: SvdMatrix = scale ? standardized(given) : given;
  const moments = columnMoments(matrix);
  if (center) matrix.means = Float32Array.from(moments.means);
  const svd = await truncatedSvd(matrix, options, signal);
  const numRows = numRowsOf(matrix);
  const total = matrix.filter ? 0 : totalVariance(matrix, moments);
  const explained = svd.singularValues.map((s, d) => {
    let sum = 0;
    for (let at = d; at < svd.left.length; at += svd.dim) sum += svd.left[at]!;
    return (s * s) / numRows - ((s * sum) / numRows) ** 2;
  });
  return {
    ...svd,
    explainedVariance: explained.map((x) => (x * numRows) / Math.max(1, numRows - 1)),
    ...(!matrix.filter && { explainedVarianceRatio: explained.map((x) => (total > 0 ? x / total : 0)) }),
    columnScale: matrix.columnScale,
    means: matrix.means,
  };
}

/** With every column divided by its standard deviation; a constant one is left as it is. */
function standardized(matrix: SvdMatrix): SvdMatrix {
  const { means, squares } = columnMoments(matrix);
  const { columnScale } = matrix;
  return {
    ...matrix,
    columnScale: Float32Array.from(means, (mean, c) => {
      const meanSquare = squares[c]! / numRowsOf(matrix);
      const variance = meanSquare - mean * mean;
      const own = columnScale ? columnScale[c]! : 1;
      return variance > 1e-12 * meanSquare ? own / Math.sqrt(variance) : own;
    }),
  };
}
