// A table with some of its rows, or with its vectors' length taken away, before it is written.

import { UsageError } from "../errors.js";
import { isHole, keysOfRows, pickRows, rowsOf, type EmbeddingTable } from "../embedding/table.js";

/**
 * Of each field the rows of most events; of equal ones the first.
 *
 * @param count >= 1, rows a field
 */
export function topRows(table: EmbeddingTable, count: number): EmbeddingTable {
  const picked: number[] = [];
  for (const field of table.fields) {
    const { first, last } = rowsOf(table, field);
    const rows = Array.from({ length: last - first }, (_, i) => first + i).filter(
      (row) => !isHole(table, row),
    );
    // the sort is stable
    const best = rows.sort((a, b) => table.counts[b]! - table.counts[a]!).slice(0, count);
    picked.push(...best.sort((a, b) => a - b));
  }
  return pickRows(table, Uint32Array.from(picked));
}

/**
 * The rows of the given keys.
 *
 * @param keys  `field:key`, or keys of `field` where one is named
 * @returns the table, and how many of the keys have no row in it
 * @throws {UsageError} no key has one
 */
export function rowsNamed(
  table: EmbeddingTable,
  keys: readonly string[],
  field: string | undefined,
): { table: EmbeddingTable; missing: number } {
  const wanted = new Map(keys.map((key) => [field === undefined ? key : `${field}:${key}`, false]));
  const picked: number[] = [];
  for (const name of field === undefined ? table.fields : [field]) {
    const { first, last } = rowsOf(table, name);
    const { bytes, offsets } = keysOfRows(table, { first, last });
    for (let row = first; row < last; row++) {
      if (isHole(table, row)) continue;
      const key = Buffer.from(bytes.subarray(offsets[row - first], offsets[row - first + 1])).toString(
        "utf8",
      );
      if (!wanted.has(`${name}:${key}`)) continue;
      wanted.set(`${name}:${key}`, true);
      picked.push(row);
    }
  }
  if (picked.length === 0) {
    const form =
      field === undefined
        ? "lines of field:key, or keys alone with --field"
        : `keys of '${field}', one a line`;
    throw new UsageError(`none of the ${wanted.size} keys has a row in the table: expected ${form}`);
  }
  return {
    table: pickRows(table, Uint32Array.from(picked)),
    missing: [...wanted.values()].filter((found) => !found).length,
  };
}

/** The table with vectors of length 1; a zero vector has no direction and stays zero. */
export function normalized(table: EmbeddingTable): EmbeddingTable {
  const { dim, numRows } = table;
  const vectors = table.vectors.slice();
  for (let row = 0; row < numRows; row++) {
    const vector = vectors.subarray(row * dim, (row + 1) * dim);
    const norm = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
    if (norm > 0) for (let d = 0; d < dim; d++) vector[d] = vector[d]! / norm;
  }
  return { ...table, vectors };
}

/** How many rows that have a key have a vector of zeros, whose cosine with any other is not defined. */
export function numZeroVectors(table: EmbeddingTable): number {
  const { dim, numRows, vectors } = table;
  let count = 0;
  for (let row = 0; row < numRows; row++) {
    if (isHole(table, row)) continue;
    let d = 0;
    while (d < dim && vectors[row * dim + d] === 0) d++;
    count += d === dim ? 1 : 0;
  }
  return count;
}
