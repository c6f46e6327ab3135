// A table without some keys: their rows stay as holes, without key, events, weight and vector, so that no other row changes its
// number and nothing that goes by rows has to.

import { keyAt } from "../log/keys.js";
import { isHole, rowsOf, type EmbeddingTable } from "../embedding/table.js";
import type { AskedKeys } from "../training/capabilities/forgetting/keys.js";

/** The table with holes, and which rows they are: u32, ascending. Undefined when it has none of the keys. */
export function withHoles(
  table: EmbeddingTable,
  keys: AskedKeys,
  isVocabulary: (field: string) => boolean,
): { table: EmbeddingTable; rows: Uint32Array } | undefined {
  const rows: number[] = [];
  for (const [field, gone] of keys) {
    if (!table.fields.includes(field) || !isVocabulary(field)) continue;
    const { first, last } = rowsOf(table, field);
    for (let row = first; row < last; row++) {
      if (!isHole(table, row) && gone.has(keyAt(table.keys, row))) rows.push(row);
    }
  }
  if (rows.length === 0) return undefined;
  rows.sort((a, b) => a - b);
  return { table: emptied(table, rows), rows: Uint32Array.from(rows) };
}

function emptied(table: EmbeddingTable, rows: readonly number[]): EmbeddingTable {
  const { dim, numRows } = table;
  const isGone = new Uint8Array(numRows);
  for (const row of rows) isGone[row] = 1;
  const offsets = new Uint32Array(numRows + 1);
  const kept: Uint8Array[] = [];
  for (let row = 0; row < numRows; row++) {
    const [start, end] = [table.keys.offsets[row]!, table.keys.offsets[row + 1]!];
    const length = isGone[row] ? 0 : end - start;
    if (length > 0) kept.push(table.keys.bytes.subarray(start, end));
    offsets[row + 1] = offsets[row]! + length;
  }
  const counts = table.counts.slice();
  const weights = table.weights?.slice();
  const vectors = table.vectors.slice();
  for (const row of rows) {
    counts[row] = 0;
    if (weights) weights[row] = 0;
    vectors.fill(0, row * dim, (row + 1) * dim);
  }
  const keys = { size: numRows, bytes: new Uint8Array(Buffer.concat(kept)), offsets };
  return { ...table, keys, counts, vectors, ...(weights && { weights }) };
}
