// Approximate search for items by an index, for recall.

import { NO_ITEM } from "../../kernels/top-items/binding.js";
import type { Search, SearchOptions } from "../../ranking/lists/search.js";
import { searchIndex, type SearchIndex } from "../hnsw/search.js";

/** An index, and those rows of its field that are items. */
export interface IndexedItems {
  index: SearchIndex;
  /** u32[n], ascending: row number of each item in the index's field */
  rows: Uint32Array;
  ef: number;
  /** whether the weights of items are added to scores */
  weighted: boolean;
}

/** Returns an approximate search by an index. It always searches all items, and not a subset of them. */
export function searchByIndex(
  { index, rows, ef, weighted }: IndexedItems,
  { threads, signal }: SearchOptions,
): Search {
  const isAll = rows.at(-1) === rows.length - 1;
  const places = new Map(isAll ? [] : Array.from(rows, (row, item) => [row, item] as const));
  return {
    searchesSets: false,
    best: async (_, { vectors }, masks, top) => {
      const own = isAll ? masks : { ...masks, items: masks.items.map((item) => rows[item]!) };
      const how = { top, ef: Math.max(ef, top), masks: own, weighted, threads, signal };
      const { items, scores } = await searchIndex(index, vectors!, how);
      if (!isAll)
        items.forEach((row, at) => {
          if (row !== NO_ITEM) items[at] = places.get(row)!;
        });
      return { items, scores };
    },
    score: () => Promise.reject(new Error("an index cannot rank candidates")),
    end: () => Promise.resolve(),
  };
}
