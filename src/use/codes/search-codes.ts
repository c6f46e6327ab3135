// Fits the books of search codes (table/search-codes.ts) to the vectors of a field.
//
//   b1   rotation that brings the vectors, minus their mean and divided by their lengths, nearest to their signs; each
//        direction has the length of the mean magnitude. A row's length is its scale: with the scale of least squares,
//        inner products rank worse
//   pq   k-means of each part of the dimensions
//   rq   k-means of what the levels before leave (residual-codes.ts)
//
// Source of b1: Gong and Lazebnik 2011 (10.1109/CVPR.2011.5995432), iterative quantization.

import { encoded } from "../../export/dtype.js";
import { bytesOfSigns, type CodeType, type SearchBooks } from "../../table/search-codes.js";
import { UsageError } from "../../base/errors.js";
import { normalDraw } from "../../base/numeric/normal.js";
import { streamOf } from "../../base/numeric/hash.js";
import { draw, permutedAt } from "../../base/numeric/random.js";
import { kMeans, nearestCentroids, type KMeansOptions } from "../../table/retrieval/k-means.js";
import { rotationOnto } from "../../compute/solvers/rotation.js";
import { timesMatrix } from "./principal-axes.js";
import { fitCodebooks, levelCodes } from "./residual-codes.js";

const SEED = 1;
/** Rows to which the rotation of b1 is fitted, and iterations. */
const [FITTED_ROWS, ITERATIONS] = [4096, 20];

/** @throws {UsageError} the bytes of pq do not divide the dimension, or pq or rq has fewer than 256 keys */
export function checkSearchCodes(kind: CodeType, bytes: number, dim: number, numRows: number): void {
  if (kind === "b1" && dim % 8 !== 0)
    throw new UsageError(
      `--dtype b1 needs a dimension divisible by 8, got ${dim}: use --dim ${Math.max(8, dim - (dim % 8))}`,
    );
  if (kind === "pq" && dim % bytes !== 0)
    throw new UsageError(`--bytes must divide the dimension, ${dim}, got ${bytes}: use another, or --dim`);
  if (kind !== "b1" && numRows < 256)
    throw new UsageError(`--dtype ${kind} needs at least 256 keys, got ${numRows}: use --dtype i8`);
}

/** @param vectors f32[n * dim] */
export async function fitSearchCodes(
  vectors: Float32Array,
  dim: number,
  { kind, bytes }: { kind: CodeType; bytes: number },
  options: Omit<KMeansOptions, "seed">,
): Promise<SearchBooks> {
  checkSearchCodes(kind, bytes, dim, vectors.length / dim);
  if (kind === "b1") return { kind, dim, bytes: bytesOfSigns(dim), books: signBooks(vectors, dim) };
  if (kind === "rq") {
    const size = { levels: bytes, numCodes: 256, whiten: false };
    return {
      kind,
      dim,
      bytes,
      books: (await fitCodebooks(vectors, dim, size, { seed: SEED, ...options })).books,
    };
  }
  const width = dim / bytes;
  const books = new Float32Array(256 * dim);
  for (let m = 0; m < bytes; m++) {
    options.began?.(`${m + 1} of ${bytes}`);
    const part = partOf(vectors, dim, m * width, width);
    books.set(await kMeans(part, width, 256, { seed: draw(SEED, m), ...options }), m * 256 * width);
  }
  return { kind, dim, bytes, books };
}

/** Returns u8[n][bytes]. */
export async function searchCodesOf(
  vectors: Float32Array,
  { kind, dim, bytes, books }: SearchBooks,
  options: Omit<KMeansOptions, "seed">,
): Promise<Uint8Array> {
  if (kind === "rq")
    return Uint8Array.from(
      (await levelCodes(vectors, { dim, levels: bytes, numCodes: 256, books }, options)).codes,
    );
  const codes = new Uint8Array((vectors.length / dim) * bytes);
  if (kind === "b1") {
    const directions = transposed(books.subarray(dim), dim);
    const centred = minus(vectors, books.subarray(0, dim));
    const y = timesMatrix(centred, dim, directions);
    y.forEach((x, i) => {
      const row = Math.floor(i / dim);
      const d = i - row * dim;
      codes[row * bytes + (d >> 3)]! |= x >= 0 ? 1 << (d & 7) : 0;
    });
    const halves = encoded(lengthsOf(centred, dim), 1, "f16").values as Uint16Array;
    halves.forEach((half, row) => codes.set([half & 255, half >> 8], (row + 1) * bytes - 2));
    return codes;
  }
  const width = dim / bytes;
  for (let m = 0; m < bytes; m++) {
    const book = books.subarray(m * 256 * width, (m + 1) * 256 * width);
    const nearest = await nearestCentroids(partOf(vectors, dim, m * width, width), width, book, options);
    nearest.forEach((code, row) => (codes[row * bytes + m] = code));
  }
  return codes;
}

function signBooks(vectors: Float32Array, dim: number): Float32Array {
  const numRows = vectors.length / dim;
  const mean = new Float64Array(dim);
  vectors.forEach((x, i) => (mean[i % dim]! += x / numRows));
  const numFitted = Math.min(numRows, FITTED_ROWS);
  const fitted = new Float32Array(numFitted * dim);
  for (let i = 0; i < numFitted; i++) {
    const row = permutedAt(i, numRows, SEED);
    for (let d = 0; d < dim; d++) fitted[i * dim + d] = vectors[row * dim + d]! - mean[d]!;
  }
  const norms = lengthsOf(fitted, dim);
  fitted.forEach((x, i) => (fitted[i] = x / (norms[Math.floor(i / dim)]! || 1)));
  // begins with a random rotation: the orthogonal matrix nearest to one of normal draws
  const normals = Float32Array.from({ length: dim * dim }, (_, i) => normalDraw(streamOf(SEED, i)));
  const identity = Float32Array.from({ length: dim * dim }, (_, i) => (i % (dim + 1) === 0 ? 1 : 0));
  let rotation = rotationOnto(identity, normals, new Float32Array(dim).fill(1), dim).flat();
  const weights = new Float32Array(numFitted).fill(1);
  for (let i = 0; i < ITERATIONS; i++) {
    const signs = timesMatrix(fitted, dim, rotation).map((x) => (x >= 0 ? 1 : -1));
    rotation = rotationOnto(fitted, signs, weights, dim).flat();
  }
  const lengths = new Float64Array(dim);
  timesMatrix(fitted, dim, rotation).forEach((x, i) => (lengths[i % dim]! += Math.abs(x) / numFitted));
  const books = new Float32Array((dim + 1) * dim);
  books.set(mean);
  for (let d = 0; d < dim; d++)
    for (let i = 0; i < dim; i++) books[(d + 1) * dim + i] = lengths[d]! * rotation[i * dim + d]!;
  return books;
}

function minus(vectors: Float32Array, mean: Float32Array): Float32Array {
  return vectors.map((x, i) => x - mean[i % mean.length]!);
}

function lengthsOf(vectors: Float32Array, dim: number): Float32Array {
  return Float32Array.from({ length: vectors.length / dim }, (_, row) =>
    Math.sqrt(vectors.subarray(row * dim, (row + 1) * dim).reduce((sum, x) => sum + x * x, 0)),
  );
}

function transposed(matrix: Float32Array, dim: number): Float32Array {
  return matrix.map((_, i) => matrix[(i % dim) * dim + Math.floor(i / dim)]!);
}

function partOf(vectors: Float32Array, dim: number, first: number, width: number): Float32Array {
  const part = new Float32Array((vectors.length / dim) * width);
  for (let [from, to] = [first, 0]; to < part.length; from += dim, to += width)
    part.set(vectors.subarray(from, from + width), to);
  return part;
}
