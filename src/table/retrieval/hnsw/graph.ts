import { allocateGraph, type GraphLayout, type GraphShape } from "../../../compute/kernels/hnsw/binding.js";
import { GrowingArrays, Arena } from "../../../compute/kernels/shared/memory.js";
import type { Keys } from "../../../log/keys.js";
import { log } from "../../../base/numeric/exp.js";
import { hashBytes, type Hash64 } from "../../../base/numeric/hash.js";

/** A graph, and the memory that its searches reuse. */
export interface HnswGraph {
  arena: Arena;
  layout: GraphLayout;
  /** u32[n], ascending: label of each node, which is the number of its row within the field of the table */
  labels: Uint32Array;
  /** number of candidates from which each node chose its neighbors */
  efConstruction: number;
  // memory that is allocated by the first search and reused by the others
  /** offsets of the search struct and of the labels in the arena */
  search?: { at: number; labels: number };
  /** offsets of the threads' scratch memory, by the maximum number of candidates of a search */
  scratches: Record<number, number[]>;
  growing: GrowingArrays;
}

export function unsearched(graph: Omit<HnswGraph, "search" | "scratches" | "growing">): HnswGraph {
  return { ...graph, scratches: {}, growing: new GrowingArrays(graph.arena, "a search") };
}

export function graphOf(shape: GraphShape, vectors: Float32Array): { arena: Arena; layout: GraphLayout } {
  const arena = new Arena();
  const layout = allocateGraph(arena, shape);
  const { dim, stride } = layout;
  const target = arena.f32(layout.vectors);
  for (let from = 0, to = 0; from < vectors.length; from += dim, to += stride)
    target.set(vectors.subarray(from, from + dim), to);
  return { arena, layout };
}

/** Returns u32: the links of a node on a level, as a view that ends before the first unused place. */
export function linksOf(
  { arena, layout }: Pick<HnswGraph, "arena" | "layout">,
  node: number,
  level: number,
): Uint32Array {
  const { links, upperLinks, upperRows, m, m0 } = layout;
  const row =
    level === 0
      ? arena.u32(links).subarray(node * m0, (node + 1) * m0)
      : arena.u32(upperLinks).subarray((upperRows[node]! + level - 1) * m, (upperRows[node]! + level) * m);
  const end = row.indexOf(0xffffffff);
  return end === -1 ? row : row.subarray(0, end);
}

// Determines the level of each node, and the order in which nodes are added, by hashes of their keys, so that neither
// depends on the other keys of the table or their order.
//
//   u        uniform in (0, 1], by a hash of the key and the seed
//   level    floor(-ln u / ln M): one node in M reaches level 1, one in M^2 level 2
//
// Source: Malkov and Yashunin 2016 (arXiv:1603.09320), algorithm 1, line 4.

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
