// Offers an item to the list of a query. A short list is sorted; a long one is a heap, its worst item at the root,
// until it is sorted at the end.

import { insertBest, replaceWorst, sortHeap } from "../../shared/assembly/best-list";
import { isMasked } from "../../shared/assembly/masks";
import { LONG_LIST, Search } from "./plan";

/** Returns the byte offset of a query's list. */
function listOf(search: Search, query: u32): usize {
  return (<usize>query * search.top) << 2;
}

/** Returns the score that an item must exceed to enter the query's list. */
export function lastScore(search: Search, query: u32): f32 {
  const worst: usize = search.top > LONG_LIST ? 0 : search.top - 1;
  return load<f32>(search.scores + listOf(search, query) + (worst << 2));
}

/**
 * Inserts an item into the query's list, unless its score is too low or it is masked. Items must be offered in
 * ascending order.
 */
export function offer(search: Search, query: u32, item: u32, score: f32): void {
  if (!(score > lastScore(search, query)) || isMasked(search.maskEnds, search.masks, query, item)) return;
  const list = listOf(search, query);
  if (search.top > LONG_LIST)
    replaceWorst(search.scores + list, search.found + list, search.top, item, score);
  else insertBest(search.scores + list, search.found + list, search.top, item, score);
}

/** Sorts the lists of found items of consecutive queries, if they are heaps. */
export function sortLists(search: Search, first: u32, numQueries: u32): void {
  if (search.top <= LONG_LIST) return;
  for (let query = first; query < first + numQueries; query++) {
    const list = listOf(search, query);
    sortHeap(search.scores + list, search.found + list, search.top);
  }
}
