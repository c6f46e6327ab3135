// Projects rows of a table onto a plane: rows are scaled to length 1, because neighbors are compared by cosine, and
// projected onto their first two principal components.
//
//   u_i = v_i / |v_i|            C = mean of (u_i - m)(u_i - m)'          x_i = ((u_i - m)·p1, (u_i - m)·p2)
//
// The signs are such that the entry of greatest magnitude of each component is positive, so that the same rows always
// give the same drawing. The quality of a drawing is the share of a row's nearest neighbors that are also among the
// nearest points in the plane.

import { mapTo } from "../numeric/indices.js";
import { NO_ITEM } from "../kernels/top-items/binding.js";
import { lengthOf, unitRows } from "../retrieval/nearest.js";
import { eigenOf } from "../solvers/svd/symmetric.js";

export interface Plane {
  /** f64[n][2]: coordinates of each row in the plane */
  points: Float64Array;
  /** share of the variance (the squared distances from the mean) that the plane explains, in [0, 1] */
  explained: number;
}

/**
 * Returns the plane that explains most of the rows' variance.
 *
 * @param vectors f32[n * dim], n and dim at least 2, no row zero
 * @returns undefined if all rows have the same direction
 */
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
