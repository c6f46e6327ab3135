// Projects rows of a table onto a plane by UMAP: neighbors in the table are close, but distances between groups mean
// little.
//
//   knn_i    row i and its K - 1 exact nearest neighbors by cosine; distance 1 - cos
//   start    the plane of the first two principal components, scaled to [-REACH, REACH]
//
// The initial positions determine where groups are, so that the drawing of a table is reproducible and does not rotate
// from week to week (Kobak and Linderman 2021, doi:10.1038/s41587-020-00809-z). Negative samples use a fixed seed. The
// package computes with Math.pow and Math.exp, whose last bits depend on the engine: the bytes are reproducible only
// for one version of Node on one kind of processor.
//
// Source: McInnes, Healy and Melville 2018 (arXiv:1802.03426), in the package umap-js.

import { NO_ITEM } from "../kernels/top-items/binding.js";
import { draw, signedDraw } from "../numeric/random.js";
import { unitRows } from "../retrieval/nearest.js";

/** Number of rows of a neighborhood, including the row itself. */
export const K = 15;
/** Half the width of the initial positions, as in the code of UMAP's authors. */
const REACH = 10;
/** Size of the perturbation that separates points with the same initial position. */
const JITTER = 1e-4;
const SEED = 0x756d6170;
const JITTER_SEED = 0x6a697474;
/**
 * Number of epochs. The authors of UMAP use 500 below 10,000 rows. With 300, a drawing of 60 to 5,000 items of real logs
 * keeps .00 to .02 less of the ten nearest neighbors, in two thirds of the time.
 */
const EPOCHS = 300;
/** Number of epochs between two checks whether the computation was aborted. */
const BREATH = 10;

/**
 * Returns the layout; undefined if there are not more rows than a neighborhood has, or once `isLate` returns true.
 *
 * @param vectors f32[n * dim], no row zero
 * @param nearest u32[n * wide]: nearest other rows of each row by cosine, at least K - 1 if there are as many
 * @param start f64[n][2]: initial positions
 * @returns f64[n][2]
 */
export async function umapOf(
  vectors: Float32Array,
  dim: number,
  nearest: Uint32Array,
  start: Float64Array,
  signal: AbortSignal,
  isLate: () => boolean = () => false,
): Promise<Float64Array | undefined> {
  const n = vectors.length / dim;
  if (n <= K || nearest.length / n < K - 1) return undefined;
  const { UMAP } = await import("umap-js");
  let drawn = 0;
  const random = () => draw(SEED, drawn++) / 2 ** 32;
  const umap = new UMAP({ nNeighbors: K, nComponents: 2, nEpochs: EPOCHS, random });
  const knn = neighborhoods(unitRows(vectors, dim), dim, nearest);
  umap.setPrecomputedKNN(knn.rows, knn.distances);
  // umap-js needs only the number of rows here, because the neighbors of the rows are given
  umap.initializeFit(knn.rows);
  // the package starts at random positions, and updates the array that it returns here; it is overwritten with `start`
  const places = umap.getEmbedding();
  const scale = REACH / (start.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1);
  for (const [row, place] of places.entries())
    for (const axis of [0, 1])
      place[axis] = start[2 * row + axis]! * scale + JITTER * signedDraw(JITTER_SEED, 2 * row + axis);
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    if (epoch % BREATH === 0) await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
    if (isLate()) return undefined;
    umap.step();
  }
  return Float64Array.from(places.flat());
}

/** Returns each row's neighborhood, which begins with the row itself. */
function neighborhoods(units: Float32Array, dim: number, nearest: Uint32Array) {
  const n = units.length / dim;
  const wide = nearest.length / n;
  const cosine = (a: number, b: number) => {
    let sum = 0;
    for (let d = 0; d < dim; d++) sum += units[a * dim + d]! * units[b * dim + d]!;
    return sum;
  };
  const rows = Array.from({ length: n }, (_, row) => [
    row,
    ...nearest.subarray(row * wide, row * wide + K - 1).filter((other) => other !== NO_ITEM),
  ]);
  const distances = rows.map((near, row) =>
    near.map((other) => (other === row ? 0 : Math.max(0, 1 - cosine(row, other)))),
  );
  return { rows, distances };
}
