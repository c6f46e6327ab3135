// Samples rows of a field by the smallest hashes of their keys, so that every table yields the same keys.

import type { Keys } from "../log/keys.js";
import { hashBytes } from "../numeric/hash.js";
import { isHole, type EmbeddingTable, type RowRange } from "../embedding/table.js";

const SEED = { lo: 0x7265706f, hi: 0x7274 };

/** Returns at most `most` rows of a range that have a key, in ascending order. */
export function sampleRows(table: EmbeddingTable, { first, last }: RowRange, most: number): Uint32Array {
  const rows = Array.from({ length: last - first }, (_, i) => first + i).filter((row) => !isHole(table, row));
  return Uint32Array.from(sampleByKey(table.keys, rows, most));
}

/** Returns at most `most` of the given rows, in their order. */
export function sampleByKey(keys: Keys, rows: readonly number[], most: number): readonly number[] {
  if (rows.length <= most) return rows;
  const hashes = new Map(
    rows.map((row) => [row, hashBytes(keys.bytes, keys.offsets[row]!, keys.offsets[row + 1]!, SEED)]),
  );
  return rows
    .toSorted((a, b) => {
      const [left, right] = [hashes.get(a)!, hashes.get(b)!];
      return left.hi - right.hi || left.lo - right.lo || a - b;
    })
    .slice(0, most)
    .sort((a, b) => a - b);
}
