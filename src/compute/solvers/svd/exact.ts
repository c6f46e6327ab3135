// The full singular value decomposition of a matrix with one narrow side, through the Gram matrix of that side in
// double precision.
//
//   A = S - e f'     S  f64, long x narrow, with its scalings
//                    e, f  vectors on the long and on the narrow side, whose product e f' contains the means
//   A'A = S'S - (S'e) f' - f (S'e)' + (e'e) f f' = V W V'               A V = U diag(singular values)

import type { SparseRows } from "../../kernels/als/binding.js";
import type { MatrixSide } from "./machine.js";
import { numColumnsOf, numRowsOf, type SvdMatrix } from "./matrix.js";
import { eigenOf } from "./symmetric.js";

/** Maximum size of the narrow side; the eigenvalues of larger matrices take minutes. */
export const MAX_EXACT = 1536;

/** Singular triplets before signs are normalized. */
export interface Triplets {
  dim: number;
  /** f64[dim]: singular values in descending order */
  singularValues: Float64Array;
  /** f32[numRows][dim] and f32[numColumns][dim], row-major: singular vectors as columns of length 1 */
  left: Float32Array;
  right: Float32Array;
  /** set if rows were decomposed in blocks: the left vectors in the store; `left` is empty */
  saved?: SavedRows;
  /** f32[numColumns][dim]: c(P) D_a `right` (filter.ts); only for a matrix with a filter */
  behind?: Float32Array;
}

export interface SavedRows {
  /** Returns the vectors of rows first .. last - 1, f32[last - first][dim]. */
  read: (first: number, last: number) => Float32Array;
  /** Reads all vectors. @throws {ArtifactError} the store was truncated or changed */
  check: () => Promise<void>;
}

/** Threshold relative to the greatest singular value: lower ones are rounding errors of the Gram matrix. */
const EXACT_ROUNDING = 3e-8;

/** Returns the leading `dim` singular triplets, or fewer if the rank is less. */
export function exactSvd(matrix: SvdMatrix, narrow: MatrixSide, dim: number): Triplets {
  const S = oriented(matrix, narrow);
  const { numNarrow, numLong } = S;
  const { values, vectors } = eigenOf(gramOf(S), numNarrow);
  const rank = values.filter((x) => x > EXACT_ROUNDING ** 2 * values[0]! && x > 0).length;
  const found = Math.min(dim, rank);
  const singularValues = new Float64Array(found);
  const [long, across] = [new Float32Array(numLong * found), new Float32Array(numNarrow * found)];
  for (let d = 0; d < found; d++) {
    const v = Float64Array.from({ length: numNarrow }, (_, i) => vectors[i * numNarrow + d]!);
    const w = multiply(S, v);
    const length = Math.sqrt(w.reduce((sum, x) => sum + x * x, 0));
    singularValues[d] = length;
    v.forEach((x, i) => (across[i * found + d] = x));
    w.forEach((x, i) => (long[i * found + d] = x / length));
  }
  const sides = narrow === "columns" ? { left: long, right: across } : { left: across, right: long };
  return { dim: found, singularValues, ...sides };
}

interface Oriented {
  entries: SparseRows;
  numLong: number;
  numNarrow: number;
  longScale: Float32Array | undefined;
  narrowScale: Float32Array | undefined;
  /** vectors e and f; absent if columns are not centered */
  shift: { long: Float32Array; narrow: Float32Array } | undefined;
}

function oriented(matrix: SvdMatrix, narrow: MatrixSide): Oriented {
  const { rows, columns, rowScale, columnScale, means } = matrix;
  const [numRows, numColumns] = [numRowsOf(matrix), numColumnsOf(matrix)];
  const ones = means && new Float32Array(numRows).fill(1);
  return narrow === "columns"
    ? {
        entries: rows,
        ...{ numLong: numRows, numNarrow: numColumns, longScale: rowScale, narrowScale: columnScale },
        shift: means && { long: ones!, narrow: means },
      }
    : {
        entries: columns,
        ...{ numLong: numColumns, numNarrow: numRows, longScale: columnScale, narrowScale: rowScale },
        shift: means && { long: means, narrow: ones! },
      };
}

function gramOf({ entries, numLong, numNarrow, longScale, narrowScale, shift }: Oriented): Float64Array {
  const { indptr, indices, values } = entries;
  const gram = new Float64Array(numNarrow * numNarrow);
  const sums = new Float64Array(numNarrow);
  const row = new Float64Array(numNarrow);
  for (let r = 0; r < numLong; r++) {
    const scale = longScale ? longScale[r]! : 1;
    for (let e = indptr[r]!; e < indptr[r + 1]!; e++) {
      const i = indices[e]!;
      row[e - indptr[r]!] = scale * (values ? values[e]! : 1) * (narrowScale ? narrowScale[i]! : 1);
    }
    const n = indptr[r + 1]! - indptr[r]!;
    for (let a = 0; a < n; a++) {
      const i = indices[indptr[r]! + a]!;
      if (shift) sums[i]! += row[a]! * shift.long[r]!;
      for (let b = 0; b < n; b++) gram[i * numNarrow + indices[indptr[r]! + b]!]! += row[a]! * row[b]!;
    }
  }
  if (!shift) return gram;
  const squares = shift.long.reduce((sum, x) => sum + x * x, 0);
  return gram.map((x, at) => {
    const [i, j] = [Math.floor(at / numNarrow), at % numNarrow];
    const [f, g] = [shift.narrow[i]!, shift.narrow[j]!];
    return x - sums[i]! * g - f * sums[j]! + squares * f * g;
  });
}

/** Returns A v; v has one number per row or column of the narrow side. */
function multiply(
  { entries, numLong, longScale, narrowScale, shift }: Oriented,
  v: Float64Array,
): Float64Array {
  const { indptr, indices, values } = entries;
  const scaled = narrowScale ? v.map((x, i) => x * narrowScale[i]!) : v;
  const shifted = shift ? shift.narrow.reduce((sum, f, i) => sum + f * v[i]!, 0) : 0;
  return Float64Array.from({ length: numLong }, (_, r) => {
    let sum = 0;
    for (let e = indptr[r]!; e < indptr[r + 1]!; e++) sum += (values ? values[e]! : 1) * scaled[indices[e]!]!;
    return (longScale ? longScale[r]! : 1) * sum - (shift ? shift.long[r]! * shifted : 0);
  });
}
