// Rows of a table on a plane by UMAP: neighbors of the table stand together, distances between groups mean little.
//
//   knn_i    row i and its K - 1 nearest others by cosine, exactly; distance 1 - cos
//   start    the plane of the first two principal components, scaled to [-REACH, REACH]
//
// The start decides where groups lie, so that the same table lies the same way and does not turn from week to week (Kobak and
// Linderman 2021, doi:10.1038/s41587-020-00809-z). Negative samples come from one fixed stream of draws. The package computes with
// Math.pow and Math.exp, whose last bits an engine may round in its own way: the same bytes are promised for one version of Node on
// one kind of processor.
//
// Source: McInnes, Healy and Melville 2018 (arXiv:1802.03426), in the package umap-js.

import { NO_ITEM } from "../kernels/top-items/binding.js";
import { draw, signedDraw } from "../numeric/random.js";
import { unitRows } from "../retrieval/nearest.js";

/** Rows of a neighborhood, the row itself counted. */
export const K = 15;
/** Of the start, as the authors scale theirs. */
const REACH = 10;
/** Moves apart what starts in one place. */
const JITTER = 1e-4;
const SEED = 0x756d6170;
const JITTER_SEED = 0x6a697474;
/** Epochs of few and of many rows; the authors take 500 of any number below 10,000, and layouts of thousands settle sooner. */
const EPOCHS = { few: 500, many: 300 };
const MANY = 1000;
/** Epochs between two looks at the signal. */
const BREATH = 10;

/**
 * The layout; undefined of fewer rows than a neighborhood and one, and once `isLate` says so.
 *
 * @param vectors f32[n * dim], no row zero
 * @param nearest u32[n * wide]: of each row the nearest others by cosine, at least K - 1 where there are as many
 * @param start   f64[n][2]
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
  const nEpochs = n > MANY ? EPOCHS.many : EPOCHS.few;
  const umap = new UMAP({ nNeighbors: K, nComponents: 2, nEpochs, random });
  const knn = neighborhoods(unitRows(vectors, dim), dim, nearest);
  umap.setPrecomputedKNN(knn.rows, knn.distances);
  // rows themselves are asked for nothing but their number once their neighbors are known
  umap.initializeFit(knn.rows);
  // the package starts at random; the layout that it returns is the one that its steps move
  const places = umap.getEmbedding();
  const scale = REACH / (start.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1);
  for (const [row, place] of places.entries())
    for (const axis of [0, 1])
      place[axis] = start[2 * row + axis]! * scale + JITTER * signedDraw(JITTER_SEED, 2 * row + axis);
  for (let epoch = 0; epoch < nEpochs; epoch++) {
    if (epoch % BREATH === 0) await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
    if (isLate()) return undefined;
    umap.step();
  }
  return Float64Array.from(places.flat());
}

/** Each row with its nearest others, itself first. */
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
