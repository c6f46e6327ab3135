// Products of a truncated singular value decomposition in plain f64: the definition of correct for assembly/main.ts.

import type { SparseRows } from "../als/binding.js";

/** f64[numRows][width], row-major */
export interface Dense {
  width: number;
  data: Float64Array;
}

/** Returns D A X - f (e' X). D is the identity and f is 0 if absent; e consists of ones if absent. */
export function referenceProduct(
  { indptr, indices, values }: SparseRows,
  { width, data }: Dense,
  { scale, shift, sums }: { scale?: ArrayLike<number>; shift?: ArrayLike<number>; sums?: ArrayLike<number> },
): Dense {
  const numRows = indptr.length - 1;
  const product = new Float64Array(numRows * width);
  for (let r = 0; r < numRows; r++) {
    for (let k = 0; k < width; k++) {
      let y = 0;
      for (let e = indptr[r]!; e < indptr[r + 1]!; e++)
        y += (values?.[e] ?? 1) * data[indices[e]! * width + k]!;
      product[r * width + k] = (scale?.[r] ?? 1) * y - (shift?.[r] ?? 0) * (sums?.[k] ?? 0);
    }
  }
  return { width, data: product };
}

/** Returns X' Y. */
export function referenceCrossProducts(left: Dense, right: Dense): Dense {
  const product = new Float64Array(left.width * right.width);
  for (let r = 0; r < left.data.length / left.width; r++) {
    for (let i = 0; i < left.width; i++) {
      for (let j = 0; j < right.width; j++)
        product[i * right.width + j]! += left.data[r * left.width + i]! * right.data[r * right.width + j]!;
    }
  }
  return { width: right.width, data: product };
}

export function referenceCombination(left: Dense, coefficients: Dense): Dense {
  const [inner, width] = [left.width, coefficients.width];
  const product = new Float64Array((left.data.length / inner) * width);
  for (let r = 0; r < left.data.length / inner; r++) {
    for (let i = 0; i < inner; i++) {
      for (let j = 0; j < width; j++)
        product[r * width + j]! += left.data[r * inner + i]! * coefficients.data[i * width + j]!;
    }
  }
  return { width, data: product };
}
