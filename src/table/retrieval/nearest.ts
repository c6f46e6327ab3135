import { ascending } from "../../base/numeric/indices.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";
import { topItems } from "./top-items.js";

/** Returns f32[n * dim]: each row scaled to length 1. A row of zeros stays zero. */
export function unitRows(vectors: Float32Array, dim: number): Float32Array {
  const units = vectors.slice();
  for (let at = 0; at < units.length; at += dim) {
    const length = lengthOf(units, at, dim);
    if (length > 0) for (let d = 0; d < dim; d++) units[at + d]! /= length;
  }
  return units;
}

/** Returns the Euclidean length of the row that begins at index `at`. */
export function lengthOf(vectors: Float32Array, at: number, dim: number): number {
  let squares = 0;
  for (let d = 0; d < dim; d++) squares += vectors[at + d]! * vectors[at + d]!;
  return Math.sqrt(squares);
}

/**
 * Returns the indexes of the k rows nearest to each row by cosine, without the row itself, nearest first. Ties are in row
 * order. A row of zeros has no neighbors.
 *
 * @param vectors f32[n * dim]
 * @returns u32[n * k]; NO_ITEM in the unused places of a row with fewer neighbors
 */
export async function nearestRows(
  vectors: Float32Array,
  dim: number,
  k: number,
  { threads, signal }: { threads: number; signal?: AbortSignal },
): Promise<Uint32Array> {
  const n = vectors.length / dim;
  if (n === 0) return new Uint32Array();
  const units = unitRows(vectors, dim);
  const isZero = Uint8Array.from({ length: n }, (_, row) => (lengthOf(units, row * dim, dim) > 0 ? 0 : 1));
  const { items } = await topItems(
    {
      dim,
      queries: units,
      items: units,
      weights: Float32Array.from(isZero, (zero) => (zero ? -Infinity : 0)),
      masks: {
        indptr: ascending(n + 1),
        items: ascending(n),
      },
    },
    k,
    threads,
    signal,
  );
  isZero.forEach((zero, row) => zero && items.fill(NO_ITEM, row * k, (row + 1) * k));
  return items;
}
