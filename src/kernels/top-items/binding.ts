// The search for best items as the rest of the program sees it: its functions, and its struct laid out in an arena.

import type { Arena } from "../shared/memory.js";
import { writeStruct } from "../shared/struct.js";
import { PACKED, Search, type Kernel } from "./layout.js";

/** Queries of one kernel call. */
export const BLOCK_QUERIES = 64;

/** Its functions; pointers are byte offsets. */
export type TopItemsKernel = Kernel;

/** For each of some rows the items that belong to it, ascending. */
export interface ItemLists {
  /** u32[numRows + 1] */
  indptr: Uint32Array;
  /** u32: items[indptr[r] .. indptr[r + 1]) */
  items: Uint32Array;
}

/** What is searched: the score of an item is its weight plus the inner product. */
export interface TopItemsInput {
  dim: number;
  /** f32[numQueries * dim], row-major */
  queries: Float32Array;
  /** f32[numItems * dim], row-major */
  items: Float32Array;
  /** f32[numItems]; absent for zeros. An item of -Infinity is never found */
  weights?: Float32Array;
  /** a list a query: items that it never finds */
  masks: ItemLists;
}

/** The best of a query stand in row q of both, best first. */
export interface TopItems {
  /** u32[numQueries * top]; NO_ITEM where fewer could be found */
  items: Uint32Array;
  /** f32[numQueries * top] */
  scores: Float32Array;
}

/** What stands where no item was found. */
export const NO_ITEM = 0xffffffff;

/** Where the structs and results lie. */
export interface TopItemsLayout {
  search: number;
  /** one a thread */
  scratches: number[];
  numQueries: number;
  /** u32: blocks taken so far */
  counter: number;
  /** reads the results */
  results(): TopItems;
}

/** Copies the input into the arena. @throws {UsageError} it does not fit */
export function allocateTopItems(
  arena: Arena,
  { dim, queries, items, weights, masks }: TopItemsInput,
  top: number,
  threads: number,
): TopItemsLayout {
  const numQueries = queries.length / dim;
  const numItems = items.length / dim;
  const numPanels = Math.ceil(numItems / 8);
  const queriesAt = arena.put("the vectors of the queries", queries);

  // eight items side by side
  const panels = arena.allocate("the vectors of the items", numPanels * 8 * dim * 4);
  const packed = arena.f32(panels);
  for (let i = 0; i < numItems; i++) {
    const at = (i >>> 3) * 8 * dim + (i & 7);
    for (let d = 0; d < dim; d++) packed[at + d * 8] = items[i * dim + d]!;
  }
  const weightsAt = arena.allocate("the weights of the items", numPanels * 8 * 4);
  if (weights) arena.f32(weightsAt).set(weights);
  const maskEnds = arena.put("the masks", masks.indptr);
  const maskItems = arena.put("the masks", masks.items);
  const found = arena.allocate("the items found", numQueries * top * 4);
  const scores = arena.allocate("their scores", numQueries * top * 4);
  const search = writeStruct(arena, "a search", Search, {
    dim,
    numItems,
    top,
    queries: queriesAt,
    panels: panels.offset,
    weights: weightsAt.offset,
    maskEnds,
    masks: maskItems,
    found: found.offset,
    scores: scores.offset,
  });
  const scratch = () => arena.allocate("packed queries", PACKED + BLOCK_QUERIES * dim * 4).offset;
  return {
    search,
    scratches: Array.from({ length: threads }, scratch),
    numQueries,
    counter: arena.allocate("a counter", 4).offset,
    results: () => ({
      items: arena.u32(found).slice(0, numQueries * top),
      scores: arena.f32(scores).slice(0, numQueries * top),
    }),
  };
}
