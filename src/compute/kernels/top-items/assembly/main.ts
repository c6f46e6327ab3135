// Finds the best items of each query, exactly: every item is compared with every query, most of them by 16-bit integers
// alone.
//
//   score   weight_i + <query, item>, f32, products added in the dimensions' order
//   Q       queries per block: 128      d   dimensions        panel   eight items side by side, f32[d][8]
//   K       items per list
//
//   items 0 .. 16 K - 1     every score: few are far below a list that is not full                   all-scores.ts
//   the others, by tiles    16-bit integers bound the scores from above, and only items whose bound
//                           exceeds the last of the list are scored                                  screened-search.ts
//
// Ties are sorted by item. Twin: ../top-items.reference.ts, the same bits.

import { packQueries, searchPanels, sortLists } from "./all-scores";
import { MAX_DIM } from "./integer-bound";
import { Scratch, Search } from "./plan";
import { screenPanels } from "./screened-search";

/** Queries for which it pays to convert tiles to integers. */
const MIN_QUERIES: u32 = 16;

/** Items that are scored before bounds are used, in units of the length of a list. */
const SCORED_FIRST: u32 = 16;

/**
 * Finds the best items of consecutive queries; any thread may process any block.
 *
 * @param scratch buffers of this thread
 * @param numQueries at most BLOCK_QUERIES
 * @returns number of pairs of a query and an item that the bound did not exclude
 */
export function searchBlock(search: Search, scratch: Scratch, first: u32, numQueries: u32): f64 {
  const K = search.top;
  packQueries(search, first, numQueries, scratch.packed);
  for (let i = <usize>first * K; i < <usize>(first + numQueries) * K; i++) {
    store<u32>(search.found + (i << 2), u32.MAX_VALUE);
    store<f32>(search.scores + (i << 2), -Infinity);
  }

  const numPanels = (search.numItems + 7) >>> 3;
  const isScreened = numQueries >= MIN_QUERIES && search.dim <= MAX_DIM && K < numPanels;
  const start = isScreened ? min(numPanels, (SCORED_FIRST / 8) * K) : numPanels;
  searchPanels(search, scratch, first, numQueries, 0, start);
  const left = start < numPanels ? screenPanels(search, scratch, first, numQueries, start, numPanels) : 0;
  sortLists(search, first, numQueries);
  return left;
}
