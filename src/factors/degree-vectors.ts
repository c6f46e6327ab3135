// Initial vectors of users and items: the singular vectors of the degree-normalized user-item matrix.
//
//   R = D_u^-1/2 W D_i^-1/2 ~ U S V'       W  1 for each pair of user and item with an event
//                                          D  row and column sums of W
//   user  U S^1/2, item  V S^1/2, each divided by its length

import { transpose } from "../dataset/sequences/interactions.js";
import type { ItemLists } from "../kernels/top-items/binding.js";
import { degreeNormalized } from "../solvers/svd/matrix.js";
import { truncatedSvd } from "../solvers/svd/truncated-svd.js";

/** Convergence tolerance of the singular value decomposition; a low accuracy suffices for initial vectors. */
const TOLERANCE = 0.1;

/**
 * Returns f32[users * dim] and f32[numItems * dim]: rows of length 1. Rows without events are zero, and so are
 * dimensions beyond the matrix's rank.
 */
export async function degreeVectors(
  { indptr, items }: ItemLists,
  numItems: number,
  { dim, seed, threads }: { dim: number; seed: number; threads: number },
  signal?: AbortSignal,
): Promise<{ users: Float32Array; items: Float32Array }> {
  const rows = { indptr, indices: items };
  const matrix = degreeNormalized(rows, transpose(rows, numItems));
  const found = await truncatedSvd(matrix, { dim, tolerance: TOLERANCE, seed, threads }, signal);
  const roots = found.singularValues.map(Math.sqrt);
  const unitRows = (from: Float32Array, numRows: number): Float32Array => {
    const vectors = new Float32Array(numRows * dim);
    for (let row = 0; row < numRows; row++) {
      const v = vectors.subarray(row * dim, (row + 1) * dim);
      let squares = 0;
      for (let d = 0; d < found.dim; d++) squares += (v[d] = from[row * found.dim + d]! * roots[d]!) ** 2;
      if (squares === 0) continue;
      const length = Math.sqrt(squares);
      for (let d = 0; d < found.dim; d++) v[d]! /= length;
    }
    return vectors;
  };
  return { users: unitRows(found.left, indptr.length - 1), items: unitRows(found.right, numItems) };
}
