// Search that computes every score: a matrix product whose elements are compared with the lists and discarded.
//
//            panels of a tile (32 KiB: they fit in the first-level cache) ──►
//   query 0..3    [4 x 8]  [4 x 8]  ...   a score above the last of the query's list is offered to the list
//   query 4..7    [4 x 8]  ...
//
// A short list is sorted; a long one is a heap, its worst item at the root, until it is sorted at the end.

import { insertBest, isMasked, replaceWorst, sortHeap } from "../../shared/assembly/best-list";
import { addProducts } from "../../shared/assembly/tile";
import { LONG_LIST, Scratch, Search } from "./plan";

const TILE_BYTES: u32 = 32768;

/** Packs queries four side by side, f32[ceil(n / 4)][d][4]; queries beyond the last are zeros. */
export function packQueries(search: Search, first: u32, numQueries: u32, packed: usize): void {
  const d = search.dim;
  for (let q: u32 = 0; q < ((numQueries + 3) & ~3); q++) {
    const source = search.queries + ((<usize>(first + q) * d) << 2);
    const target = packed + ((<usize>(q >>> 2) * d) << 4) + ((<usize>(q & 3)) << 2);
    for (let i: usize = 0; i < d; i++) {
      store<f32>(target + (i << 4), q < numQueries ? load<f32>(source + (i << 2)) : 0);
    }
  }
}

/** Searches panels `start` to `numPanels` - 1 for the packed queries. */
export function searchPanels(
  search: Search,
  scratch: Scratch,
  first: u32,
  numQueries: u32,
  start: u32,
  numPanels: u32,
): void {
  const d = search.dim;
  const tile = scratch.tile;
  const panelBytes = (<usize>d) << 5;
  const tilePanels = max<u32>(1, TILE_BYTES / (d << 5));
  for (let from = start; from < numPanels; from += tilePanels) {
    const end = min(from + tilePanels, numPanels);
    for (let q: u32 = 0; q < numQueries; q += 4) {
      const left = scratch.packed + ((<usize>q * d) << 2);
      for (let panel = from; panel < end; panel++) {
        const weights = search.weights + ((<usize>panel) << 5);
        for (let r: usize = 0; r < 128; r += 32) {
          v128.store(tile + r, v128.load(weights));
          v128.store(tile + r, v128.load(weights, 16), 16);
        }
        addProducts(left, 16, search.panels + <usize>panel * panelBytes, 32, d, tile);
        offerTile(search, tile, first + q, min<u32>(4, numQueries - q), panel << 3);
      }
    }
  }
}

/** Most tiles have no item above the last of its query's list. */
function offerTile(search: Search, tile: usize, query: u32, numQueries: u32, item: u32): void {
  for (let r: u32 = 0; r < numQueries; r++) {
    const row = tile + ((<usize>r) << 5);
    const last = f32x4.splat(lastScore(search, query + r));
    const above = v128.or(f32x4.gt(v128.load(row), last), f32x4.gt(v128.load(row, 16), last));
    if (!v128.any_true(above)) continue;
    const numLanes = min<u32>(8, search.numItems - item);
    for (let c: u32 = 0; c < numLanes; c++) {
      offer(search, query + r, item + c, load<f32>(row + ((<usize>c) << 2)));
    }
  }
}

function listOf(search: Search, query: u32): usize {
  return (<usize>query * search.top) << 2;
}

/** Returns the score that an item must exceed to enter the query's list. */
export function lastScore(search: Search, query: u32): f32 {
  const worst: usize = search.top > LONG_LIST ? 0 : search.top - 1;
  return load<f32>(search.scores + listOf(search, query) + (worst << 2));
}

/**
 * Inserts an item into the query's list, unless its score is too low or it is masked; items come in ascending order.
 */
export function offer(search: Search, query: u32, item: u32, score: f32): void {
  if (!(score > lastScore(search, query)) || isMasked(search.maskEnds, search.masks, query, item)) return;
  const list = listOf(search, query);
  if (search.top > LONG_LIST)
    replaceWorst(search.scores + list, search.found + list, search.top, item, score);
  else insertBest(search.scores + list, search.found + list, search.top, item, score);
}

/** Sorts the lists of consecutive queries, if they are heaps. */
export function sortLists(search: Search, first: u32, numQueries: u32): void {
  if (search.top <= LONG_LIST) return;
  for (let query = first; query < first + numQueries; query++) {
    const list = listOf(search, query);
    sortHeap(search.scores + list, search.found + list, search.top);
  }
}
