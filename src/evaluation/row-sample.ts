// Samples rows of a field by the smallest hashes of their keys, so that every table yields the same keys.

import type { Keys } from "../log/keys.js";
import { hashBytes, type Hash64 } from "../numeric/hash.js";
import { isHole, type EmbeddingTable, type RowRange } from "../embedding/table.js";

const SEED = { lo: 0x7265706f, hi: 0x7274 };

/** Returns at most `most` rows of a range that have a key, in ascending order. */
export function sampleRows(table: EmbeddingTable, { first, last }: RowRange, most: number): Uint32Array {
  const rows = new Uint32Array(last - first);
  let numRows = 0;
  for (let row = first; row < last; row++) if (!isHole(table, row)) rows[numRows++] = row;
  const standing = rows.subarray(0, numRows);
  return samplePlaces(table.keys, standing, most).map((i) => standing[i]!);
}

/** Returns the ascending positions in `rows` of at most `limit` rows. */
export function samplePlaces({ bytes, offsets }: Keys, rows: Uint32Array, limit: number): Uint32Array {
  const most = Math.floor(limit);
  const hashAt = (i: number): Hash64 => hashBytes(bytes, offsets[rows[i]!]!, offsets[rows[i]! + 1]!, SEED);
  if (rows.length <= most) return Uint32Array.from(rows.keys());
  // only rows whose upper half is small enough are sorted by the whole hash
  const upper = new Uint32Array(rows.length);
  for (let i = 0; i < rows.length; i++) upper[i] = hashAt(i).hi;
  const highest = upper.slice().sort()[most - 1]!;
  const candidates: { i: number; hash: Hash64 }[] = [];
  for (let i = 0; i < rows.length; i++) if (upper[i]! <= highest) candidates.push({ i, hash: hashAt(i) });
  candidates.sort((a, b) => a.hash.hi - b.hash.hi || a.hash.lo - b.hash.lo || a.i - b.i);
  return Uint32Array.from(candidates.slice(0, most), ({ i }) => i).sort();
}
