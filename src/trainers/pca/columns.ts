// Computes the principal components of a numeric table exactly: the eigenvectors of its covariance, in double
// precision.
//
//   C = sum_r w_r (x_r - m)(x_r - m)' / (n - 1) = V E V'      n  rows, with weights w of mean 1   E  explained variance
//
// Singular values are those of the centered table, sqrt(E (n - 1)). Missing cells are replaced by the column's mean.

import { DataError, UsageError } from "../../base/errors.js";
import { MAX_EXACT } from "../../compute/solvers/svd/exact.js";
import { eigenOf } from "../../compute/solvers/svd/symmetric.js";
import { matrixTensor, vectorTensor, type PcaModel } from "./artifact.js";
import { shared, sharesOf } from "./decompose.js";
import type { PcaOptions } from "./options.js";

interface NumericTable {
  names: readonly string[];
  /** f64[numRows] per column: numbers; NaN is missing */
  columns: readonly Float64Array[];
  /** f32[numRows]: weights; all 1 when absent */
  weights?: Float32Array;
}

interface ColumnsPca extends PcaModel {
  /** names of the columns whose numbers are equal in all rows */
  constant: string[];
  /** number of missing cells, by name of each column that has any */
  missing: Record<string, number>;
}

/** Share of the greatest eigenvalue below which an eigenvalue is a rounding error. */
const ROUNDING = 1e-13;

/**
 * Computes the leading components of a table, its columns centered and, with --scale, divided by their standard
 * deviation.
 *
 * @throws {DataError} fewer than two rows, or all columns are constant
 * @throws {UsageError} too many columns for an exact decomposition
 */
export function columnsPca({ names, columns, weights }: NumericTable, options: PcaOptions): ColumnsPca {
  const numColumns = columns.length;
  const numRows = columns[0]?.length ?? 0;
  if (numRows < 2) throw new DataError(`principal components need at least two rows, got ${numRows}`);
  if (numColumns > MAX_EXACT) {
    throw new UsageError(
      `--matrix columns supports at most ${MAX_EXACT} columns, got ${numColumns}: use --matrix features for ` +
        "more",
    );
  }
  const stats = columns.map((column) => momentsOf(column, weights));
  const scale = Float64Array.from(stats, ({ deviation }) =>
    options.scale && deviation > 0 ? 1 / deviation : 1,
  );
  const centred = columns.map((column, c) => {
    const { mean, deviation } = stats[c]!;
    // the numbers of a constant column stay 0: dividing would scale up rounding errors
    return column.map((x) => (x === x && deviation > 0 ? (x - mean) * scale[c]! : 0));
  });
  const covariance = covarianceOf(centred, weights);
  const total = centred.reduce((sum, _, c) => sum + covariance[c * numColumns + c]!, 0);
  if (!(total > 0)) throw new DataError(`all columns are constant: ${names.join(", ")}`);

  const { values, vectors } = eigenOf(covariance, numColumns);
  const rank = values.filter((x) => x > ROUNDING * values[0]!).length;
  const dim = Math.min(options.dim, rank);
  const right = new Float32Array(numColumns * dim);
  for (let d = 0; d < dim; d++) {
    let greatest = 0;
    for (let c = 0; c < numColumns; c++) {
      const x = vectors[c * numColumns + d]!;
      if (Math.abs(x) > Math.abs(greatest)) greatest = x;
    }
    for (let c = 0; c < numColumns; c++)
      right[c * dim + d] = Math.sign(greatest) * vectors[c * numColumns + d]!;
  }
  const explainedVariance = values.slice(0, dim);
  const singularValues = explainedVariance.map((x) => Math.sqrt(x * (numRows - 1)));
  return {
    dim,
    singularValues,
    explainedVariance,
    explainedVarianceRatio: explainedVariance.map((x) => x / total),
    ...{ method: "exact", restarts: 0, residual: 0 },
    size: { rows: numRows, columns: numColumns, entries: numRows * numColumns },
    vectors: shared(right, sharesOf(singularValues, options, numRows).columns),
    tensors: {
      components: matrixTensor(right, dim),
      mean: vectorTensor(stats.map(({ mean }, c) => mean * scale[c]!)),
      columnScale: vectorTensor(scale),
    },
    constant: names.filter((_, c) => stats[c]!.deviation === 0),
    missing: Object.fromEntries(
      names.flatMap((name, c) => (stats[c]!.missing > 0 ? [[name, stats[c]!.missing]] : [])),
    ),
  };
}

/** The standard deviation is 0 if all numbers are equal. */
function momentsOf(column: Float64Array, weights: Float32Array | undefined) {
  let [sum, weight, missing, low, high] = [0, 0, 0, Infinity, -Infinity];
  column.forEach((x, r) => {
    if (x !== x) {
      missing++;
      return;
    }
    const w = weights ? weights[r]! : 1;
    sum += w * x;
    weight += w;
    [low, high] = [Math.min(low, x), Math.max(high, x)];
  });
  if (weight === 0) return { mean: 0, deviation: 0, missing };
  if (low === high) return { mean: low, deviation: 0, missing };
  const mean = sum / weight;
  let squares = 0;
  column.forEach((x, r) => (squares += x === x ? (weights ? weights[r]! : 1) * (x - mean) ** 2 : 0));
  return { mean, deviation: Math.sqrt(squares / (column.length - 1)), missing };
}

/** Returns the covariance, f64[numColumns][numColumns], on and above the diagonal. */
function covarianceOf(centred: readonly Float64Array[], weights: Float32Array | undefined): Float64Array {
  const numColumns = centred.length;
  const covariance = new Float64Array(numColumns * numColumns);
  const numRows = centred[0]!.length;
  for (let i = 0; i < numColumns; i++) {
    const x = weights ? centred[i]!.map((value, r) => value * weights[r]!) : centred[i]!;
    for (let j = i; j < numColumns; j++) {
      const y = centred[j]!;
      let sum = 0;
      for (let r = 0; r < numRows; r++) sum += x[r]! * y[r]!;
      covariance[i * numColumns + j] = sum / (numRows - 1);
    }
  }
  return covariance;
}
