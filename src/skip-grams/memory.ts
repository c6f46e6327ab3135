// Memory of skip-grams, by the rows of their vectors.

import { tableBytes } from "../training/session/needs.js";

/** Two tables in slices of 16 dimensions with AdaGrad's sums, the best epoch's copies, the run's tables, and slots of each thread. */
export function skipGramBytes(rows: number, dim: number, threads: number): number {
  const slices = Math.ceil(dim / 16);
  return rows * (2 * (64 * slices + 4 * slices) + 4 * 4 * dim + 8 * threads + 40);
}

/** Bytes of the tables of vectors and contexts. @param keyBytes of all keys */
export function skipGramDisk(rows: number, dim: number, keyBytes: number): number {
  return 2 * tableBytes({ features: rows, keyBytes }, dim);
}
