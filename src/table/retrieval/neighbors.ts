// Finds the rows that are nearest to a row of the same field: by comparing the row with all others, or among candidates
// that an index found.

import { keyAt } from "../../log/keys.js";
import { UsageError } from "../../base/errors.js";
import type { TableBatch, TableRows } from "../rows.js";
import { isHole, rowOf, rowsOf, type EmbeddingTable, type RowRange } from "../table.js";

export const neighborMetrics = ["cosine", "dot", "l2"] as const;
export type Metric = (typeof neighborMetrics)[number];

export interface NearestOptions {
  /** number of neighbors to return, at least 1; a smaller field returns all its other rows */
  top: number;
  metric: Metric;
}

export interface Neighbor {
  row: number;
  key: string;
  count: number;
  /** cosine in [-1, 1] up to rounding errors, inner product, or negated Euclidean distance */
  similarity: number;
}

/**
 * Returns for each query the rows of the field most similar to a key's row, nearest first, without the row itself. Reads
 * the vectors once for each field of a query, batch by batch.
 *
 * Ties are in row order. Products are summed in f64 in the order of the dimensions, so that all machines return the
 * same results. Under cosine a zero vector has no direction: a row with a zero vector is never a neighbor, and has no
 * neighbors itself. Under dot and l2 rows with zero vectors are ordinary rows, except for the holes of --row-order.
 *
 * @param keys the table of the same rows, whose vectors are not read
 * @throws {UsageError} no such field or key, with the most similar name; top is not a positive whole number
 */
export async function neighborsInRows(
  rows: TableRows,
  keys: EmbeddingTable,
  queries: readonly { field: string; key: string }[],
  options: NearestOptions,
  signal?: AbortSignal,
): Promise<Neighbor[][]> {
  const searches = new Map<string, RowSearch[]>();
  const all: RowSearch[] = [];
  for (const { field, key } of queries) {
    const row = rowOf(keys, field, key);
    let vector: Float32Array | undefined;
    for await (const { table } of rows.batches({ range: { first: row, last: row + 1 } }))
      vector = table.vectors;
    const search = new RowSearch(vector!, row, rowsOf(keys, field), options);
    all.push(search);
    const ofField = searches.get(field);
    if (ofField) ofField.push(search);
    else searches.set(field, [search]);
  }
  for (const [field, ofField] of searches)
    for await (const batch of rows.batches({ range: rowsOf(keys, field) })) {
      signal?.throwIfAborted();
      for (const search of ofField) search.scan(batch);
    }
  return all.map((search) => search.neighbors(keys));
}

class RowSearch {
  readonly #similarity: Similarity;
  readonly #nearest: Nearest;

  /** @param row the vector's own row, which is no neighbor @param range rows that may be neighbors */
  constructor(
    vector: Float32Array,
    private readonly row: number,
    private readonly range: RowRange,
    { top, metric }: NearestOptions,
  ) {
    if (!Number.isSafeInteger(top) || top < 1) {
      throw new UsageError(`top must be an integer of at least 1, got ${top}`);
    }
    this.#similarity = similarityTo(vector, metric);
    this.#nearest = new Nearest(Math.min(top, range.last - range.first));
  }

  scan({ start, table }: TableBatch): void {
    const { first, last } = this.range;
    const end = Math.min(last, start + table.numRows);
    for (let row = Math.max(first, start); row < end; row++) {
      if (row === this.row || isHole(table, row - start)) continue;
      const value = this.#similarity(table.vectors, row - start);
      if (value !== undefined) this.#nearest.offer(row, value);
    }
  }

  neighbors(table: EmbeddingTable): Neighbor[] {
    return this.#nearest.sorted().map((found) => neighborOf(table, found));
  }
}

/** Converts rows that an index found to a result as that of `neighborsInRows`: the same similarities and order. */
export function asNeighbors(
  table: EmbeddingTable,
  query: number,
  rows: Uint32Array,
  metric: Metric,
): Neighbor[] {
  const similarity = similarityTo(rowVector(table, query), metric);
  const nearest = new Nearest(rows.length);
  rows.toSorted().forEach((row) => nearest.offer(row, similarity(table.vectors, row)!));
  return nearest.sorted().map((found) => neighborOf(table, found));
}

function neighborOf(table: EmbeddingTable, found: { row: number; similarity: number }): Neighbor {
  return { ...found, key: keyAt(table.keys, found.row), count: table.counts[found.row]! };
}

function rowVector({ dim, vectors }: EmbeddingTable, row: number): Float32Array {
  return vectors.subarray(row * dim, (row + 1) * dim);
}

/** Similarity to a row of vectors, f32[][dim]; undefined if the metric is cosine and one of both is zero. */
type Similarity = (vectors: Float32Array, row: number) => number | undefined;

function similarityTo(vector: Float32Array, metric: Metric): Similarity {
  const dim = vector.length;
  const q = Float64Array.from(vector);
  const queryNorm = norm(q);
  return (vectors, row) => {
    const start = row * dim;
    let dot = 0;
    let squares = 0;
    for (let j = 0; j < dim; j++) {
      const v = vectors[start + j]!;
      if (metric === "l2") squares += (q[j]! - v) * (q[j]! - v);
      else {
        dot += q[j]! * v;
        squares += v * v;
      }
    }
    if (metric === "l2") return 0 - Math.sqrt(squares);
    if (metric === "dot") return dot;
    return queryNorm > 0 && squares > 0 ? dot / (queryNorm * Math.sqrt(squares)) : undefined;
  };
}

/** The k most similar of the offered rows, in a heap whose root is the least similar of them. */
class Nearest {
  readonly #heap: { row: number; similarity: number }[] = [];

  constructor(private readonly k: number) {}

  /** Rows are offered in ascending order, so that none replaces an earlier one with the same similarity. */
  offer(row: number, similarity: number): void {
    const heap = this.#heap;
    if (heap.length < this.k) {
      heap.push({ row, similarity });
      this.#up(heap.length - 1);
    } else if (similarity > heap[0]!.similarity) {
      heap[0] = { row, similarity };
      this.#down();
    }
  }

  sorted(): { row: number; similarity: number }[] {
    return this.#heap.toSorted((a, b) => b.similarity - a.similarity || a.row - b.row);
  }

  /** Returns whether heap entry i is less similar than entry j, or equally similar with a higher row number. */
  #isWorse(i: number, j: number): boolean {
    const [a, b] = [this.#heap[i]!, this.#heap[j]!];
    return a.similarity < b.similarity || (a.similarity === b.similarity && a.row > b.row);
  }

  #swap(i: number, j: number): void {
    [this.#heap[i], this.#heap[j]] = [this.#heap[j]!, this.#heap[i]!];
  }

  #up(start: number): void {
    let i = start;
    while (i > 0 && this.#isWorse(i, (i - 1) >> 1)) {
      this.#swap(i, (i - 1) >> 1);
      i = (i - 1) >> 1;
    }
  }

  #down(): void {
    let i = 0;
    for (;;) {
      let worst = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < this.#heap.length && this.#isWorse(child, worst)) worst = child;
      }
      if (worst === i) return;
      this.#swap(i, worst);
      i = worst;
    }
  }
}

function norm(vector: Float64Array): number {
  let squares = 0;
  for (const v of vector) squares += v * v;
  return Math.sqrt(squares);
}
