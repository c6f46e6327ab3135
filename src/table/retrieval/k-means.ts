// K-means by Lloyd's algorithm: centroids seeded by k-means++, and the nearest centroid of each row.
//
//   n   rows        d   dimensions        C   centroids
//
//   nearest(x) = argmin |x - c|^2 = argmax <x, c> - |c|^2 / 2      a search for the best item, with weights -|c|^2 / 2
//   centroid   = mean of its rows, added in f64 in the rows' order
//
// Results do not depend on the number of threads. Sources: Lloyd 1982 (10.1109/TIT.1982.1056489); Arthur and Vassilvitskii
// 2007 (k-means++, greedy). As faiss does, centroids are fitted to at most 256 rows per centroid.

import { ascending } from "../../base/numeric/indices.js";
import { draw, permutedAt } from "../../base/numeric/random.js";
import { withMachine } from "../../compute/threads/with-machine.js";
import { ItemSearch } from "./top-items.js";

/** Rows per centroid to which centroids are fitted, and rows per centroid among which k-means++ draws. */
const [FITTED_ROWS, SEEDED_ROWS] = [256, 16];
const ITERATIONS = 20;
const ROWS_AT_A_TIME = 65_536;

export interface KMeansOptions {
  seed: number;
  threads: number;
  signal?: AbortSignal | undefined;
}

/** Returns centroids, f32[numCentroids * dim]. @param vectors f32[n * dim], n >= numCentroids */
export async function kMeans(
  vectors: Float32Array,
  dim: number,
  numCentroids: number,
  { seed, threads, signal }: KMeansOptions,
): Promise<Float32Array> {
  const rows = sampledRows(vectors, dim, FITTED_ROWS * numCentroids, seed);
  const centroids = seededCentroids(rows, dim, numCentroids, seed);
  const search = await CentroidSearch.start(centroids, dim, threads);
  return await withMachine(search, signal, async () => {
    let before: Uint32Array | undefined;
    for (let i = 0; i < ITERATIONS; i++) {
      const { codes, scores } = await search.nearest(rows);
      signal?.throwIfAborted();
      if (before && codes.every((code, row) => code === before![row])) break;
      before = codes;
      moveToMeans(centroids, rows, dim, codes, scores);
      search.replace(centroids);
    }
    return centroids;
  });
}

/** Returns u32[n]: the nearest centroid of each row; ties go to the lower number. */
export async function nearestCentroids(
  vectors: Float32Array,
  dim: number,
  centroids: Float32Array,
  { threads, signal }: Omit<KMeansOptions, "seed">,
): Promise<Uint32Array> {
  const search = await CentroidSearch.start(centroids, dim, threads);
  return await withMachine(search, signal, async () => (await search.nearest(vectors)).codes);
}

class CentroidSearch {
  private constructor(
    private readonly search: ItemSearch,
    private readonly dim: number,
  ) {}

  static async start(centroids: Float32Array, dim: number, threads: number): Promise<CentroidSearch> {
    const weights = halfSquares(centroids, dim);
    return new CentroidSearch(await ItemSearch.start(dim, [{ items: centroids, weights }], threads), dim);
  }

  replace(centroids: Float32Array): void {
    this.search.replace(0, { items: centroids, weights: halfSquares(centroids, this.dim) });
  }

  /** @returns scores f32[n]: <x, c> - |c|^2 / 2 of the nearest centroid */
  async nearest(vectors: Float32Array): Promise<{ codes: Uint32Array; scores: Float32Array }> {
    const numRows = vectors.length / this.dim;
    const [codes, scores] = [new Uint32Array(numRows), new Float32Array(numRows)];
    for (let first = 0; first < numRows; first += ROWS_AT_A_TIME) {
      const queries = vectors.subarray(first * this.dim, (first + ROWS_AT_A_TIME) * this.dim);
      const masks = { indptr: new Uint32Array(queries.length / this.dim + 1), items: new Uint32Array() };
      const found = await this.search.best(0, { queries, masks, top: 1 });
      codes.set(found.items, first);
      scores.set(found.scores, first);
    }
    return { codes, scores };
  }

  async terminate(): Promise<void> {
    await this.search.terminate();
  }
}

function halfSquares(centroids: Float32Array, dim: number): Float32Array {
  return Float32Array.from(
    { length: centroids.length / dim },
    (_, c) => -squaredLength(centroids, c, dim) / 2,
  );
}

function squaredLength(vectors: Float32Array, row: number, dim: number): number {
  let sum = 0;
  for (let i = row * dim; i < (row + 1) * dim; i++) sum += vectors[i]! * vectors[i]!;
  return sum;
}

/** Returns at most `most` rows in random order; all rows in their order if there are no more. */
function sampledRows(vectors: Float32Array, dim: number, most: number, seed: number): Float32Array {
  const numRows = vectors.length / dim;
  if (numRows <= most) return vectors;
  const sample = new Float32Array(most * dim);
  for (let i = 0; i < most; i++) {
    const row = permutedAt(i, numRows, seed);
    sample.set(vectors.subarray(row * dim, (row + 1) * dim), i * dim);
  }
  return sample;
}

/**
 * Draws each centroid among rows with probability proportional to the squared distance to the nearest earlier one: of
 * 2 + log C draws, the one that leaves the smallest sum of distances.
 */
function seededCentroids(
  vectors: Float32Array,
  dim: number,
  numCentroids: number,
  seed: number,
): Float32Array {
  const rows = sampledRows(vectors, dim, SEEDED_ROWS * numCentroids, draw(seed, 1));
  const numRows = rows.length / dim;
  const numDraws = 2 + Math.floor(Math.log(numCentroids));
  const centroids = new Float32Array(numCentroids * dim);
  let distances = new Float64Array(numRows).fill(1);
  let total = numRows;
  for (let c = 0; c < numCentroids; c++) {
    let best: { row: number; distances: Float64Array<ArrayBuffer>; total: number } | undefined;
    for (let i = 0; i < (c === 0 ? 1 : numDraws); i++) {
      let left = (draw(draw(seed, 2 + c), i) / 2 ** 32) * total;
      let row = 0;
      for (; row < numRows - 1 && left >= distances[row]!; row++) left -= distances[row]!;
      const nearer = new Float64Array(numRows);
      let sum = 0;
      for (let r = 0; r < numRows; r++) {
        let squares = 0;
        for (let d = 0; d < dim; d++) squares += (rows[r * dim + d]! - rows[row * dim + d]!) ** 2;
        nearer[r] = c === 0 ? squares : Math.min(distances[r]!, squares);
        sum += nearer[r]!;
      }
      if (!best || sum < best.total) best = { row, distances: nearer, total: sum };
    }
    centroids.set(rows.subarray(best!.row * dim, (best!.row + 1) * dim), c * dim);
    ({ distances, total } = best!);
  }
  return centroids;
}

/** Moves centroids to the means of their rows; a centroid without rows moves to the row farthest from its own. */
function moveToMeans(
  centroids: Float32Array,
  rows: Float32Array,
  dim: number,
  codes: Uint32Array,
  scores: Float32Array,
): void {
  const numCentroids = centroids.length / dim;
  const [sums, counts] = [new Float64Array(centroids.length), new Uint32Array(numCentroids)];
  codes.forEach((code, row) => {
    counts[code]!++;
    for (let d = 0; d < dim; d++) sums[code * dim + d]! += rows[row * dim + d]!;
  });
  const empty = ascending(numCentroids).filter((c) => counts[c] === 0);
  if (empty.length > 0) {
    const distances = Float64Array.from(scores, (score, row) => squaredLength(rows, row, dim) - 2 * score);
    const farthest = ascending(scores.length).sort((a, b) => distances[b]! - distances[a]! || a - b);
    empty.forEach((c, i) => {
      const row = farthest[i]!;
      sums.set(rows.subarray(row * dim, (row + 1) * dim), c * dim);
      counts[c] = 1;
    });
  }
  sums.forEach((sum, i) => (centroids[i] = sum / counts[Math.floor(i / dim)]!));
}
