// One-hot leaves as fewer numbers: a sparse random projection.
//
//   R[leaf][d] = sqrt(3 / dim) times 1, 0 or -1 with odds 1 : 4 : 1; a row's numbers are the sum of its leaves' rows of R
//
// Entries are hashes of (seed, leaf, d): nothing is fitted or kept, and a new row has what it would have had in training.
// Distances between rows' one-hot leaves are kept up to an error of order 1 / sqrt(dim).
// Source: Achlioptas 2003 (10.1016/S0022-0000(03)00025-4), eq. 2; Li et al. 2006 (10.1145/1150402.1150436).

import { draw } from "../../../numeric/random.js";

/** f32[numLeaves][dim]: R. */
export function leafProjection(numLeaves: number, dim: number, seed: number): Float32Array {
  const scale = Math.fround(Math.sqrt(3 / dim));
  const own = draw(seed, 0xd5e);
  return Float32Array.from({ length: numLeaves * dim }, (_, at) => {
    const sixth = Math.floor((6 * draw(draw(own, Math.floor(at / dim)), at % dim)) / 2 ** 32);
    return sixth === 0 ? scale : sixth === 5 ? -scale : 0;
  });
}

/**
 * @param leaves u32[n][numTrees], numbers within their trees
 * @param starts where each tree's leaves start among all
 * @returns f32[n][dim]
 */
export function projected(
  leaves: Uint32Array,
  starts: ArrayLike<number>,
  projection: Float32Array,
  dim: number,
): Float32Array {
  const numTrees = starts.length;
  const n = leaves.length / numTrees;
  const out = new Float32Array(n * dim);
  for (let row = 0; row < n; row++) {
    const sums = out.subarray(row * dim, (row + 1) * dim);
    for (let t = 0; t < numTrees; t++) {
      const from = (starts[t]! + leaves[row * numTrees + t]!) * dim;
      for (let d = 0; d < dim; d++) sums[d]! += projection[from + d]!;
    }
  }
  return out;
}
