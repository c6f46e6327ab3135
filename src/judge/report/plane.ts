// Projects rows of a table onto a plane: rows are scaled to length 1, because neighbors are compared by cosine, and
// projected onto their first two principal components.
//
//   u_i = v_i / |v_i|            C = mean of (u_i - m)(u_i - m)'          x_i = ((u_i - m)·p1, (u_i - m)·p2)
//
// The signs are such that the entry of greatest magnitude of each component is positive, so that the same rows always
// give the same drawing. The quality of a drawing is the share of a row's nearest neighbors that are also among the
// nearest points in the plane.

import { mapTo } from "../../base/numeric/indices.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";
import { lengthOf, unitRows } from "../../table/retrieval/nearest.js";
import { eigenOf } from "../../compute/solvers/svd/symmetric.js";
import { draw, signedDraw } from "../../base/numeric/random.js";

interface Plane {
  /** f64[n][2]: coordinates of each row in the plane */
  points: Float64Array;
  /** share of the variance (the squared distances from the mean) that the plane explains, in [0, 1] */
  explained: number;
}

/** Undefined if all rows have the same direction. @param vectors f32[n * dim], n and dim at least 2, no row zero */
export function planeOf(vectors: Float32Array, dim: number): Plane | undefined {
  const units = unitRows(vectors, dim);
  const n = units.length / dim;
  const mean = new Float64Array(dim);
  for (let at = 0; at < units.length; at++) mean[at % dim]! += units[at]! / n;
  const { values, vectors: components } = eigenOf(covariance(units, mean), dim);
  const total = values.reduce((sum, value) => sum + Math.max(0, value), 0);
  if (!(total > 1e-12)) return undefined;
  const axes = [0, 1].map((c) => axisOf(components, dim, c));
  const points = new Float64Array(2 * n);
  for (let i = 0; i < n; i++) {
    axes.forEach((axis, c) => {
      let sum = 0;
      for (let d = 0; d < dim; d++) sum += (units[i * dim + d]! - mean[d]!) * axis[d]!;
      points[2 * i + c] = sum;
    });
  }
  const kept = [values[0]!, values[1]!].reduce((sum, value) => sum + Math.max(0, value), 0);
  return { points, explained: kept / total };
}

/** Returns the indices of the nonzero rows. */
export function rowsWithDirection(vectors: Float32Array, dim: number, rows: Uint32Array): Uint32Array {
  return rows.filter((row) => lengthOf(vectors, row * dim, dim) > 0);
}

/** Returns the covariance f64[dim][dim], on and above the diagonal. */
function covariance(units: Float32Array, mean: Float64Array): Float64Array {
  const dim = mean.length;
  const sums = new Float64Array(dim * dim);
  const row = new Float64Array(dim);
  for (let at = 0; at < units.length; at += dim) {
    for (let d = 0; d < dim; d++) row[d] = units[at + d]! - mean[d]!;
    for (let a = 0; a < dim; a++) {
      const x = row[a]!;
      for (let b = a; b < dim; b++) sums[a * dim + b]! += x * row[b]!;
    }
  }
  return sums.map((sum) => (sum * dim) / units.length);
}

/** Returns f64[dim]: a component with a normalized sign. */
function axisOf(components: Float64Array, dim: number, c: number): Float64Array {
  const axis = mapTo(Float64Array, { length: dim }, (_, d) => components[d * dim + c]!);
  const greatest = axis.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
  return greatest < 0 ? axis.map((value) => -value) : axis;
}

/**
 * Returns the mean share of a row's k nearest neighbors that are also among its k nearest points in the plane, in [0,
 * 1]. Points at equal distances are in row order.
 *
 * @param nearest u32[n * wide]: nearest other rows of each row by cosine, at least k of them if there are as many
 * @param places f64[n][2]: coordinates, n > k
 */
export function keptNeighbors(nearest: Uint32Array, places: Float64Array, k: number): number {
  const n = places.length / 2;
  const wide = nearest.length / n;
  let kept = 0;
  for (let row = 0; row < n; row++) {
    const dots = nearestDots(places, row, k);
    for (let i = row * wide; i < row * wide + k; i++)
      if (nearest[i] !== NO_ITEM && dots.includes(nearest[i]!)) kept++;
  }
  return kept / (n * k);
}

/** Returns the k points nearest to a row's point, without the point itself. */
function nearestDots(places: Float64Array, row: number, k: number): Uint32Array {
  const rows = new Uint32Array(k);
  const distances = new Float64Array(k).fill(Infinity);
  for (let other = 0; other < places.length / 2; other++) {
    if (other === row) continue;
    const [x, y] = [places[2 * other]! - places[2 * row]!, places[2 * other + 1]! - places[2 * row + 1]!];
    const distance = x * x + y * y;
    if (distance >= distances[k - 1]!) continue;
    // moves the points that are farther away back by one position
    let at = k - 1;
    for (; at > 0 && distances[at - 1]! > distance; at--) {
      distances[at] = distances[at - 1]!;
      rows[at] = rows[at - 1]!;
    }
    distances[at] = distance;
    rows[at] = other;
  }
  return rows;
}

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
