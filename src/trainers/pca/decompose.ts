// Computes the leading components of a sparse matrix, and how much of its variance they explain.
//
//   A = U S V' + rest       explained variance of a component = variance over the rows of A v

import { DataError } from "../../base/errors.js";
import { pow } from "../../base/numeric/exp.js";
import { columnMoments, numRowsOf, totalVariance, type SvdMatrix } from "../../compute/solvers/svd/matrix.js";
import { truncatedSvd, type TruncatedSvd } from "../../compute/solvers/svd/truncated-svd.js";
import type { PcaOptions } from "./options.js";

/** Singular values and explained variances of a decomposition; variances have the divisor rows - 1. */
export interface Spectrum {
  /** singular values in descending order, f64[dim] */
  singularValues: Float64Array;
  explainedVariance: Float64Array;
  /** share of the variance of all columns; absent for a filtered matrix, which is never computed explicitly */
  explainedVarianceRatio?: Float64Array;
}

interface Decomposition extends Omit<TruncatedSvd, "singularValues">, Spectrum {
  /** f32[numColumns]: factor by which each column is multiplied; all 1 when absent */
  columnScale?: Float32Array;
  /** f32[numColumns]: number that is subtracted from each column after scaling; absent: 0 */
  means?: Float32Array;
}

/**
 * Computes the `dim` leading components of a matrix, scaled and centered according to the options; fewer if its rank is
 * lower. @throws {DataError} the matrix has no entries
 */
export async function decompose(
  given: Omit<SvdMatrix, "means">,
  { center, scale, ...options }: PcaOptions,
  signal?: AbortSignal,
): Promise<Decomposition> {
  if (given.rows.indptr.at(-1) === 0) throw new DataError("cannot decompose the matrix: it has no entries");
  const matrix: SvdMatrix = scale ? standardized(given) : given;
  const moments = columnMoments(matrix);
  if (center) matrix.means = Float32Array.from(moments.means);
  const svd = await truncatedSvd(matrix, options, signal);
  const numRows = numRowsOf(matrix);
  const total = matrix.filter ? 0 : totalVariance(matrix, moments);
  const sums = new Float64Array(svd.dim);
  for (let first = 0; first < numRows; first += READ_ROWS) {
    const rows = leftRows(svd, first, Math.min(numRows, first + READ_ROWS));
    rows.forEach((x, at) => (sums[at % svd.dim]! += x));
  }
  const explained = svd.singularValues.map((s, d) => (s * s) / numRows - ((s * sums[d]!) / numRows) ** 2);
  return {
    ...svd,
    explainedVariance: explained.map((x) => (x * numRows) / Math.max(1, numRows - 1)),
    ...(!matrix.filter && { explainedVarianceRatio: explained.map((x) => (total > 0 ? x / total : 0)) }),
    columnScale: matrix.columnScale,
    means: matrix.means,
  };
}

const READ_ROWS = 65_536;

/** Returns f32[last - first][dim]: the left singular vectors of some rows, from memory or from a block store. */
export function leftRows(
  { saved, left, dim }: Pick<TruncatedSvd, "saved" | "left" | "dim">,
  first: number,
  last: number,
): Float32Array {
  return saved ? saved.read(first, last) : left.subarray(first * dim, last * dim);
}

/** Divides every column by its standard deviation; constant columns stay unchanged. */
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

/**
 * Divides the singular values between rows and columns. Returns the factor of each dimension of the rows' and of the
 * columns' vectors, f64[dim] each, whose product is the singular value; with whitening, each dimension of the vectors of
 * rows has a variance of 1 around 0.
 */
export function sharesOf(
  singularValues: ArrayLike<number>,
  { power, whiten }: Pick<PcaOptions, "power" | "whiten">,
  numRows: number,
): Record<"rows" | "columns", Float64Array> {
  const root = Math.sqrt(Math.max(1, numRows - 1));
  const of = (share: (s: number) => number) => Float64Array.from(singularValues, share);
  return whiten
    ? { rows: of(() => root), columns: of((s) => s / root) }
    : { rows: of((s) => pow(s, 1 - power)), columns: of((s) => pow(s, power)) };
}

/** Multiplies each dimension of vectors by a factor and, if `rowScale` is given, divides each row by its scale. */
export function shared(vectors: Float32Array, factors: Float64Array, rowScale?: Float32Array): Float32Array {
  const dim = factors.length;
  return vectors.map((x, at) => {
    const scale = rowScale ? rowScale[Math.floor(at / dim)]! : 1;
    return scale === 0 ? 0 : (x * factors[at % dim]!) / scale;
  });
}
