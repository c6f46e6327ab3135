// Eigenvalues of small symmetric matrices, largest first.

import { EigenvalueDecomposition, Matrix } from "ml-matrix";

export interface Eigen {
  size: number;
  /** f64[size], descending */
  values: Float64Array;
  /** f64[size][size]: column i, entries vectors[r * size + i], belongs to values[i] */
  vectors: Float64Array;
}

/** @param entries f64[size][size]; read on and above the diagonal */
export function eigenOf(entries: ArrayLike<number>, size: number): Eigen {
  const matrix = Matrix.zeros(size, size);
  for (let r = 0; r < size; r++) {
    for (let c = r; c < size; c++) {
      matrix.set(r, c, entries[r * size + c]!);
      matrix.set(c, r, entries[r * size + c]!);
    }
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  });
  const order = Uint32Array.from(realEigenvalues.keys()).sort(
    (a, b) => realEigenvalues[b]! - realEigenvalues[a]! || a - b,
  );
  const vectors = new Float64Array(size * size);
  for (let r = 0; r < size; r++) {
    const row = eigenvectorMatrix.getRow(r);
    order.forEach((from, i) => (vectors[r * size + i] = row[from]!));
  }
  return { size, values: Float64Array.from(order, (i) => realEigenvalues[i]!), vectors };
}
