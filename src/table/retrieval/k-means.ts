// K-means by Lloyd's algorithm: centroids started twice, and the nearest centroid of each row.
//
//   n   rows        d   dimensions        C   centroids
//
//   nearest(x) = argmin |x - c|^2 = argmax <x, c> - |c|^2 / 2      a search for the best item, with weights -|c|^2 / 2
//   centroid   = mean of its rows, added in f64 in the rows' order
//
// k-means++ finds groups that lie apart. Where few rows are far from all others, as in residuals, it spends centroids on
// them, and random rows are the better start: after a few iterations on a sample, the start with the smaller distances
// goes on. Most iterations run on samples, too. As faiss does, centroids are fitted to at most 256 rows per centroid.
//
// Results do not depend on the number of threads. Sources: Lloyd 1982 (10.1109/TIT.1982.1056489); Arthur and Vassilvitskii
// 2007 (k-means++, greedy).

import { ascending } from "../../base/numeric/indices.js";
import { draw, permutedAt } from "../../base/numeric/random.js";
import { withMachine } from "../../compute/threads/with-machine.js";
import { ItemSearch } from "./top-items.js";

/** Rows per centroid among which centroids start, iterations of a start, and most centroids for k-means++. */
const [STARTED_ROWS, START_ITERATIONS, MOST_SEEDED] = [16, 4, 1024];
/** Rows per centroid among which k-means++ draws, and its draws of a centroid. */
const [SEEDED_ROWS, DRAWS] = [4, 3];
/** Rows per centroid, and iterations, of each stage. */
const STAGES = [
  [32, 4],
  [64, 4],
  [256, 6],
] as const;
/** Relative change of the two halves of a centroid. */
const SPLIT = 1 / 1024;
const ROWS_AT_A_TIME = 65_536;

export interface KMeansOptions {
  seed: number;
  threads: number;
  signal?: AbortSignal | undefined;
  /** told of each of several books, such as `2 of 8`, before it is fitted */
  began?: ((book: string) => void) | undefined;
}

/** Returns centroids, f32[numCentroids * dim]. @param vectors f32[n * dim], n >= numCentroids */
export async function kMeans(
  vectors: Float32Array,
  dim: number,
  numCentroids: number,
  { seed, threads, signal }: KMeansOptions,
): Promise<Float32Array> {
  const rows = (perCentroid: number) =>
    sampledRows(vectors, dim, perCentroid * numCentroids, draw(seed, perCentroid));
  const few = rows(STARTED_ROWS);
  const starts: Float32Array[] = [sampledRows(few, dim, numCentroids, draw(seed, 1)).slice()];
  if (numCentroids <= MOST_SEEDED) starts.push(seededCentroids(few, dim, numCentroids, seed));
  const search = await CentroidSearch.start(starts[0]!, dim, threads);
  return await withMachine(search, signal, async () => {
    let best: { centroids: Float32Array; score: number } | undefined;
    for (const centroids of starts) {
      const score = await search.fit(centroids, few, START_ITERATIONS);
      if (!best || score > best.score) best = { centroids, score };
    }
    for (const [perCentroid, iterations] of STAGES)
      await search.fit(best!.centroids, rows(perCentroid), iterations, signal);
    return best!.centroids;
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

  /**
   * Moves centroids by at most the given number of iterations.
   *
   * @returns the sum of the last search's scores: the greater, the smaller the squared distances
   */
  async fit(
    centroids: Float32Array,
    rows: Float32Array,
    iterations: number,
    signal?: AbortSignal,
  ): Promise<number> {
    let before: Uint32Array | undefined;
    let score = 0;
    for (let i = 0; i < iterations; i++) {
      this.search.replace(0, { items: centroids, weights: halfSquares(centroids, this.dim) });
      const { codes, scores } = await this.nearest(rows);
      signal?.throwIfAborted();
      score = scores.reduce((sum, x) => sum + x, 0);
      if (before && codes.every((code, row) => code === before![row])) break;
      before = codes;
      moveToMeans(centroids, rows, this.dim, codes);
    }
    return score;
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
 * DRAWS draws, the one that leaves the smallest sum of distances.
 */
function seededCentroids(
  vectors: Float32Array,
  dim: number,
  numCentroids: number,
  seed: number,
): Float32Array {
  const rows = sampledRows(vectors, dim, SEEDED_ROWS * numCentroids, draw(seed, 1));
  const numRows = rows.length / dim;
  const centroids = new Float32Array(numCentroids * dim);
  let distances = new Float64Array(numRows).fill(1);
  let total = numRows;
  for (let c = 0; c < numCentroids; c++) {
    let best: { row: number; distances: Float64Array<ArrayBuffer>; total: number } | undefined;
    for (let i = 0; i < (c === 0 ? 1 : DRAWS); i++) {
      let left = (draw(draw(seed, 2 + c), i) / 2 ** 32) * total;
      let row = 0;
      for (; row < numRows - 1 && left >= distances[row]!; row++) left -= distances[row]!;
      const own = rows.subarray(row * dim, (row + 1) * dim);
      const nearer = new Float64Array(numRows);
      let sum = 0;
      for (let [r, at] = [0, 0]; r < numRows; r++, at += dim) {
        let squares = 0;
        for (let d = 0; d < dim; d++) {
          const step = rows[at + d]! - own[d]!;
          squares += step * step;
        }
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

/** Moves centroids to the means of their rows; the largest centroid is split for one without rows, as faiss does. */
function moveToMeans(centroids: Float32Array, rows: Float32Array, dim: number, codes: Uint32Array): void {
  const numCentroids = centroids.length / dim;
  const [sums, counts] = [new Float64Array(centroids.length), new Uint32Array(numCentroids)];
  for (let [row, from] = [0, 0]; row < codes.length; row++, from += dim) {
    const to = codes[row]! * dim;
    counts[codes[row]!]!++;
    for (let d = 0; d < dim; d++) sums[to + d]! += rows[from + d]!;
  }
  sums.forEach((sum, i) => (centroids[i] = sum / (counts[Math.floor(i / dim)]! || 1)));
  for (const c of ascending(numCentroids).filter((each) => counts[each] === 0)) {
    const largest = counts.indexOf(counts.reduce((most, n) => Math.max(most, n), 0));
    for (let d = 0; d < dim; d++) {
      const [x, by] = [centroids[largest * dim + d]!, d % 2 === 0 ? SPLIT : -SPLIT];
      centroids[c * dim + d] = x * (1 + by);
      centroids[largest * dim + d] = x * (1 - by);
    }
    counts[c] = counts[largest]! >> 1;
    counts[largest]! -= counts[c]!;
  }
}
