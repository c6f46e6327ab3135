// Codes of vectors by residual k-means (semantic ids).
//
//   r_0 = x, or (x - mean) W with whitening       W  principal axes, each divided by its standard deviation
//   c_l = nearest centroid of book l to r_l       r_(l+1) = r_l - centroid
//
// Source: Chen et al. 2010 (Sensors 10, residual quantization); used as ids of items by Rajput et al. 2023
// (arXiv:2305.05065) and Deng et al. 2025 (arXiv:2502.18965).

import { DataError } from "../../base/errors.js";
import { draw } from "../../base/numeric/random.js";
import { kMeans, nearestCentroids, type KMeansOptions } from "../../table/retrieval/k-means.js";
import { addMoments, principalAxes, timesMatrix } from "./principal-axes.js";

export interface Codebooks {
  dim: number;
  levels: number;
  numCodes: number;
  /** f32[levels][numCodes][dim] */
  books: Float32Array;
  /** f32[dim + 1][dim]: the mean, and W; absent without whitening */
  whitening?: Float32Array;
}

export interface LevelCodes {
  /** u32[n][levels] */
  codes: Uint32Array;
  /** share of the variance that the levels up to each explain, f64[levels] */
  explained: number[];
}

/** @throws {DataError} all vectors are equal */
export function checkDistinct(vectors: Float32Array, dim: number, field: string): void {
  if (vectors.every((x, i) => x === vectors[i % dim]))
    throw new DataError(
      `all vectors of field '${field}' are equal, so codes cannot tell them apart: train again`,
    );
}

/** Fits the books level by level. @param vectors f32[n * dim], n >= numCodes */
export async function fitCodebooks(
  vectors: Float32Array,
  dim: number,
  { levels, numCodes, whiten }: { levels: number; numCodes: number; whiten: boolean },
  options: KMeansOptions,
): Promise<Codebooks> {
  const books = new Float32Array(levels * numCodes * dim);
  const whitening = whiten ? whiteningOf(vectors, dim) : undefined;
  const residuals = startOf(vectors, { dim, whitening });
  for (let level = 0; level < levels; level++) {
    options.began?.(`${level + 1} of ${levels}`);
    const book = await kMeans(residuals, dim, numCodes, { ...options, seed: draw(options.seed, level) });
    books.set(book, level * numCodes * dim);
    if (level + 1 < levels)
      subtract(residuals, dim, book, await nearestCentroids(residuals, dim, book, options));
  }
  return { dim, levels, numCodes, books, ...(whitening && { whitening }) };
}

/** Returns the codes of vectors by given books. @param vectors f32[n * dim] */
export async function levelCodes(
  vectors: Float32Array,
  { dim, levels, numCodes, books, whitening }: Codebooks,
  options: Omit<KMeansOptions, "seed">,
): Promise<LevelCodes> {
  const residuals = startOf(vectors, { dim, whitening });
  const numRows = residuals.length / dim;
  const total = variance(residuals, dim);
  const codes = new Uint32Array(numRows * levels);
  const explained: number[] = [];
  for (let level = 0; level < levels; level++) {
    const book = books.subarray(level * numCodes * dim, (level + 1) * numCodes * dim);
    const nearest = await nearestCentroids(residuals, dim, book, options);
    nearest.forEach((code, row) => (codes[row * levels + level] = code));
    subtract(residuals, dim, book, nearest);
    explained.push(1 - squares(residuals) / total);
  }
  return { codes, explained };
}

/** Returns the perplexity of the codes of each level: exp of their entropy, from 1 to the number of codes. */
export function perplexities(codes: Uint32Array, levels: number, numCodes: number): number[] {
  const numRows = codes.length / levels;
  return Array.from({ length: levels }, (_, level) => {
    const counts = new Uint32Array(numCodes);
    for (let row = 0; row < numRows; row++) counts[codes[row * levels + level]!]!++;
    const entropy = counts.reduce((sum, n) => sum - (n > 0 ? (n / numRows) * Math.log(n / numRows) : 0), 0);
    return Math.exp(entropy);
  });
}

function startOf(
  vectors: Float32Array,
  { dim, whitening }: Pick<Codebooks, "dim" | "whitening">,
): Float32Array {
  const start = vectors.slice();
  if (!whitening) return start;
  for (let i = 0; i < start.length; i++) start[i]! -= whitening[i % dim]!;
  return timesMatrix(start, dim, whitening.subarray(dim));
}

function whiteningOf(vectors: Float32Array, dim: number): Float32Array {
  const numRows = vectors.length / dim;
  const mean = meanOf(vectors, dim);
  const moments = new Float64Array(dim * dim);
  addMoments(moments, vectors, dim, 1 / numRows);
  const covariances = moments.map((x, i) => x - mean[Math.floor(i / dim)]! * mean[i % dim]!);
  const { moments: variances, axes } = principalAxes(covariances, dim);
  const least = 1e-6 * variances[0]!;
  const scaled = axes.map((x, i) => (variances[i % dim]! > least ? x / Math.sqrt(variances[i % dim]!) : 0));
  const whitening = new Float32Array((dim + 1) * dim);
  whitening.set(mean);
  whitening.set(scaled, dim);
  return whitening;
}

function meanOf(vectors: Float32Array, dim: number): Float64Array {
  const sums = new Float64Array(dim);
  for (let i = 0; i < vectors.length; i++) sums[i % dim]! += vectors[i]!;
  return sums.map((sum) => (sum * dim) / vectors.length);
}

function subtract(residuals: Float32Array, dim: number, book: Float32Array, codes: Uint32Array): void {
  codes.forEach((code, row) => {
    for (let d = 0; d < dim; d++) residuals[row * dim + d]! -= book[code * dim + d]!;
  });
}

function squares(vectors: Float32Array): number {
  return vectors.reduce((sum, x) => sum + x * x, 0);
}

/** Returns the sum of squared distances to the mean. */
function variance(vectors: Float32Array, dim: number): number {
  const mean = meanOf(vectors, dim);
  return vectors.reduce((sum, x, i) => sum + (x - mean[i % dim]!) ** 2, 0);
}
