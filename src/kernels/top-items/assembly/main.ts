// The best items of each query, all items compared: a matrix product whose scores are looked at and forgotten.
//
//   score   weight_i + <query, item>, products added in the dimensions' order
//   Q       queries a block: 64         d   dimensions        panel   eight items side by side, f32[d][8]
//
//            panels of a tile (32 KiB: they stay in the first cache) ──►
//   query 0..3    [4 x 8]  [4 x 8]  ...   a score above the query's worst best one is offered to its list
//   query 4..7    [4 x 8]  ...
//
// Ties stand in the items' order. Twin: ../reference.ts, the same bits.

import { insertBest, replaceWorst, sortHeap } from "../../shared/assembly/best-list";
import { isMasked } from "../../shared/assembly/masks";
import { addProducts } from "../../shared/assembly/tile";
import { LONG_LIST, PACKED, Search } from "./plan";

const TILE_BYTES: u32 = 32768;

/** Puts an item into the query's list, unless it scores too little or is masked. */
function offer(search: Search, query: u32, item: u32, score: f32): void {
  const row = (<usize>query * search.top) << 2;
  const scores = search.scores + row;
  const found = search.found + row;
  const worst = (<usize>worstPlace(search.top)) << 2;
  if (!(score > load<f32>(scores + worst)) || isMasked(search.maskEnds, search.masks, query, item)) return;
  if (search.top > LONG_LIST) replaceWorst(scores, found, search.top, item, score);
  else insertBest(scores, found, search.top, item, score);
}

/** Where the worst of a list stands: at the root of a heap, or at the end. */
function worstPlace(top: u32): u32 {
  return top > LONG_LIST ? 0 : top - 1;
}

/** Packs queries four side by side, f32[ceil(n / 4)][d][4], zero beyond the last. */
function packQueries(search: Search, first: u32, numQueries: u32, packed: usize): void {
  const d = search.dim;
  for (let q: u32 = 0; q < ((numQueries + 3) & ~3); q++) {
    const source = search.queries + ((<usize>(first + q) * d) << 2);
    const target = packed + ((<usize>(q >>> 2) * d) << 4) + ((<usize>(q & 3)) << 2);
    for (let i: usize = 0; i < d; i++) {
      store<f32>(target + (i << 4), q < numQueries ? load<f32>(source + (i << 2)) : 0);
    }
  }
}

/**
 * Finds the best items of consecutive queries; any thread may take any block.
 *
 * @param scratch this thread's own, 128 + 64 d 4 bytes
 * @param numQueries at most 64
 */
export function searchBlock(search: Search, scratch: usize, first: u32, numQueries: u32): void {
  const d = search.dim;
  const K = search.top;
  packQueries(search, first, numQueries, scratch + PACKED);
  for (let i = <usize>first * K; i < <usize>(first + numQueries) * K; i++) {
    store<u32>(search.found + (i << 2), u32.MAX_VALUE);
    store<f32>(search.scores + (i << 2), -Infinity);
  }

  const numPanels = (search.numItems + 7) >>> 3;
  const panelBytes = (<usize>d) << 5;
  const tilePanels = max<u32>(1, TILE_BYTES / (d << 5));
  for (let tile: u32 = 0; tile < numPanels; tile += tilePanels) {
    const end = min(tile + tilePanels, numPanels);
    for (let q: u32 = 0; q < numQueries; q += 4) {
      const left = scratch + PACKED + ((<usize>q * d) << 2);
      for (let panel = tile; panel < end; panel++) {
        const weights = search.weights + ((<usize>panel) << 5);
        for (let r: usize = 0; r < 128; r += 32) {
          v128.store(scratch + r, v128.load(weights));
          v128.store(scratch + r, v128.load(weights, 16), 16);
        }
        addProducts(left, 16, search.panels + <usize>panel * panelBytes, 32, d, scratch);
        offerTile(search, scratch, first + q, min<u32>(4, numQueries - q), panel << 3);
      }
    }
  }
  if (K <= LONG_LIST) return;
  for (let query = first; query < first + numQueries; query++) {
    const row = (<usize>query * K) << 2;
    sortHeap(search.scores + row, search.found + row, K);
  }
}

/** Offers the scores of a tile that are above their query's worst; most tiles have none. */
function offerTile(search: Search, tile: usize, query: u32, numQueries: u32, item: u32): void {
  for (let r: u32 = 0; r < numQueries; r++) {
    const row = tile + ((<usize>r) << 5);
    const worst = v128.load32_splat(
      search.scores + ((<usize>(query + r) * search.top + worstPlace(search.top)) << 2),
    );
    const above = v128.or(f32x4.gt(v128.load(row), worst), f32x4.gt(v128.load(row, 16), worst));
    if (!v128.any_true(above)) continue;
    const numLanes = min<u32>(8, search.numItems - item);
    for (let c: u32 = 0; c < numLanes; c++) {
      offer(search, query + r, item + c, load<f32>(row + ((<usize>c) << 2)));
    }
  }
}
