// Estimates the memory of skip-grams from the number of rows.

import { tableBytes } from "../training/session/needs.js";

/**
 * Returns the number of bytes that a training needs: for two tables in slices of 16 dimensions with AdaGrad's sums,
 * copies of the best epoch, the tables of the run, and two numbers per row for each thread.
 */
export function skipGramBytes(rows: number, dim: number, threads: number): number {
  const slices = Math.ceil(dim / 16);
  return rows * (2 * (64 * slices + 4 * slices) + 4 * 4 * dim + 8 * threads + 40);
}

/** Returns the size in bytes of a run's tables of vectors and contexts. @param keyBytes total size of the keys */
export function skipGramDisk(rows: number, dim: number, keyBytes: number): number {
  return 2 * tableBytes({ features: rows, keyBytes }, dim);
}
