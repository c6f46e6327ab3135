// Determines the level of each node, and the order in which nodes are added, by hashes of their keys, so that neither
// depends on the other keys of the table or their order.
//
//   u        uniform in (0, 1], by a hash of the key and the seed
//   level    floor(-ln u / ln M): one node in M reaches level 1, one in M^2 level 2
//
// Source: Malkov and Yashunin 2016 (arXiv:1603.09320), algorithm 1, line 4.

import type { Keys } from "../../log/keys.js";
import { log } from "../../numeric/exp.js";
import { hashBytes, type Hash64 } from "../../numeric/hash.js";

/** Maximum level of a node in the graph. */
export const MOST_LEVEL = 31;

export interface Levels {
  /** highest level of each node, u8[n] */
  levels: Uint8Array;
  /** u32[n]: nodes sorted by descending level, in random order within a level */
  order: Uint32Array;
}

/**
 * Returns the level of each node and the order in which nodes are added.
 *
 * @param rows u32[n]: row number of each node, whose key is hashed
 * @param m    number of links of a node on levels above 0, at least 2
 */
export function levelsOf(keys: Keys, rows: Uint32Array, m: number, seed: number): Levels {
  const levels = new Uint8Array(rows.length);
  // keys by which the nodes are sorted: level, descending, in the highest bits, then a hash, then the node
  const places = new BigUint64Array(rows.length);
  const scale = 1 / log(m);
  const start: Hash64 = { lo: seed >>> 0, hi: Math.floor(seed / 2 ** 32) >>> 0 };
  rows.forEach((row, node) => {
    const { lo, hi } = hashBytes(keys.bytes, keys.offsets[row]!, keys.offsets[row + 1]!, start);
    const level = Math.min(MOST_LEVEL, Math.floor(-log((lo + 1) / 2 ** 32) * scale));
    levels[node] = level;
    places[node] = (BigInt(MOST_LEVEL - level) << 59n) | (BigInt(hi >>> 5) << 32n) | BigInt(node);
  });
  const order = Uint32Array.from(places.sort(), (place) => Number(place & 0xffffffffn));
  return { levels, order };
}
