// Initial vectors of users and items: the singular vectors of the degree-normalized user-item matrix.
//
//   R = D_u^-1/2 W D_i^-1/2 ~ U S V'       W  1 for each pair of user and item with an event
//                                          D  row and column sums of W
//   user  U S^1/2, item  V S^1/2, each divided by its length

import { transpose } from "../../../dataset/sequences/interactions.js";
import type { ItemLists } from "../../../compute/kernels/top-items/binding.js";
import type { InBlocks } from "../../../compute/solvers/svd/matrix-blocks.js";
import { degreeNormalized } from "../../../compute/solvers/svd/matrix.js";
import { isInBlocks, truncatedSvd, type TruncatedSvd } from "../../../compute/solvers/svd/truncated-svd.js";
import { groupStarts } from "../../../base/numeric/groups.js";

/** a low accuracy suffices for initial vectors */
const TOLERANCE = 0.1;

interface DegreeOptions {
  dim: number;
  seed: number;
  threads: number;
}

/**
 * Returns f32[users * dim] and f32[numItems * dim]: rows of length 1. Rows without events are zero, and so are
 * dimensions beyond the matrix's rank.
 */
export async function degreeVectors(
  { indptr, items }: ItemLists,
  numItems: number,
  options: DegreeOptions,
  signal?: AbortSignal,
): Promise<{ users: Float32Array; items: Float32Array }> {
  const rows = { indptr, indices: items };
  const matrix = degreeNormalized(rows, transpose(rows, numItems));
  const found = await truncatedSvd(matrix, { ...options, tolerance: TOLERANCE }, signal);
  return {
    users: unitRows(found, found.left, indptr.length - 1, options.dim),
    items: unitRows(found, found.right, numItems, options.dim),
  };
}

/**
 * Returns the items' vectors of `degreeVectors`.
 *
 * @param store holds the events by item, if users can be decomposed in blocks; the bytes do not depend on it
 */
export async function degreeItemVectors(
  { indptr, items }: ItemLists,
  numItems: number,
  { store, ...options }: DegreeOptions & { store: InBlocks["store"] | undefined },
  signal?: AbortSignal,
): Promise<Float32Array> {
  const rows = { indptr, indices: items };
  const inBlocks =
    store && isInBlocks(indptr.length - 1, numItems, options) ? { store, transpose } : undefined;
  const columns = inBlocks
    ? { indptr: groupStarts((i) => items[i]!, items.length, numItems), indices: new Uint32Array() }
    : transpose(rows, numItems);
  const found = await truncatedSvd(
    { ...degreeNormalized(rows, columns), inBlocks },
    { ...options, tolerance: TOLERANCE, rightOnly: true },
    signal,
  );
  return unitRows(found, found.right, numItems, options.dim);
}

/** Returns f32[numRows * dim]. */
function unitRows(
  { dim: rank, singularValues }: TruncatedSvd,
  from: Float32Array,
  numRows: number,
  dim: number,
): Float32Array {
  const roots = singularValues.map(Math.sqrt);
  const vectors = new Float32Array(numRows * dim);
  for (let row = 0; row < numRows; row++) {
    const v = vectors.subarray(row * dim, (row + 1) * dim);
    let squares = 0;
    for (let d = 0; d < rank; d++) squares += (v[d] = from[row * rank + d]! * roots[d]!) ** 2;
    if (squares === 0) continue;
    const length = Math.sqrt(squares);
    for (let d = 0; d < rank; d++) v[d]! /= length;
  }
  return vectors;
}
