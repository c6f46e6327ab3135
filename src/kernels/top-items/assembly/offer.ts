// Offers an item to the list of a query.

import { insertBest } from "../../shared/assembly/best-list";
import { isMasked } from "../../shared/assembly/masks";
import { Search } from "./plan";

/** The score that an item must exceed to enter the query's list. */
export function lastScore(search: Search, query: u32): f32 {
  return load<f32>(search.scores + ((<usize>query * search.top + search.top - 1) << 2));
}

/** Puts an item into the query's list, unless it scores too little or is masked. A query's items come in ascending order. */
export function offer(search: Search, query: u32, item: u32, score: f32): void {
  if (!(score > lastScore(search, query)) || isMasked(search.maskEnds, search.masks, query, item)) return;
  const row = (<usize>query * search.top) << 2;
  insertBest(search.scores + row, search.found + row, search.top, item, score);
}
