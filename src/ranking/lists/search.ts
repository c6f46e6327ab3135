// What finds the best items of a block of queries: vectors that are searched, or whatever else ranks.
//
//   set    some of the items, by the numbers that lists give them, ascending: all that may stand in lists, or a group's
//   place  where an item stands within its set

import { vectorsAt } from "../../embedding/table.js";
import { ItemSearch } from "../../retrieval/top-items.js";
import { NO_ITEM, type ItemLists, type TopItems } from "../../kernels/top-items/binding.js";
import { noItems, rankLists, vectorRanker, type Ranker } from "../../evaluation/rankers.js";
import type { QueryItems } from "../../evaluation/baselines/input.js";
import { listsOfUsers } from "../../sampling/ranking-events.js";
import { placeIn } from "../../sampling/training-events.js";
import { endedBy, unlessAborted } from "../../workers/with-machine.js";

/** Places of lists that are made at once: 8 bytes each, in a few copies. */
export const PLACES = 1 << 23;
/** Queries of a block, made of what is known of their users. */
export interface Queries {
  size: number;
  /** f32[size * dim] */
  vectors?: Float32Array;
  /** u32[size]: users as what ranks numbers them */
  users?: Uint32Array;
  /** items that users are asked by, a list a query */
  asked?: QueryItems;
}

/** Finds items, exactly. */
export interface Search {
  /** a set is searched alone, in a time that grows with it */
  searchesSets: boolean;
  /** The best of a set, by place; masks are places, too. */
  best(set: number, queries: Queries, masks: ItemLists, top: number): Promise<TopItems>;
  /** What listed items score, by the numbers that lists give them. @returns f64, beside lists.items */
  score(queries: Queries, lists: ItemLists): Promise<Float64Array>;
  end(): Promise<void>;
}

export interface SearchOptions {
  threads: number;
  signal: AbortSignal;
}

/** Items by vectors. */
export interface ItemVectors {
  dim: number;
  /** f32[n * dim] */
  vectors: Float32Array;
  /** f32[n]: added to an item's score; -Infinity of one that is never found */
  weights?: Float32Array;
}

/** Searches by inner products. @param sets u32[]: items of each, ascending */
export async function searchVectors(
  { dim, vectors, weights }: ItemVectors,
  sets: readonly Uint32Array[],
  { threads, signal }: SearchOptions,
): Promise<Search> {
  const packed = sets.map((items) => {
    const isAll = items.length * dim === vectors.length;
    const own = isAll ? vectors : vectorsAt({ vectors, dim }, items);
    return { items: own, ...(weights && { weights: Float32Array.from(items, (item) => weights[item]!) }) };
  });
  signal.throwIfAborted();
  const search = await ItemSearch.start(dim, packed, threads);
  return {
    searchesSets: true,
    best: async (set, { vectors: queries }, masks, top) =>
      await unlessAborted(signal, () => search.best(set, { queries: queries!, masks, top })),
    score: async ({ vectors: queries }, lists) => {
      const ranked = { dim, queries: queries!, items: vectors, weights };
      return await vectorRanker(ranked).score(lists, { threads });
    },
    end: endedBy(search, signal),
  };
}

/** Makes a ranker of queries. */
type RankerOfQueries = (queries: Queries) => Ranker | Promise<Ranker>;

/** What ranks each set by itself, and all items. */
export interface Rankers {
  /** by set; undefined: a set is ranked among its scores, item by item */
  sets?: readonly RankerOfQueries[];
  all: RankerOfQueries;
}

/** Pairs of a query and an item that are scored at once. */
const PAIRS = 1 << 22;

/** Ranks by a model or a baseline. @param numItems as lists number them */
export function searchByRanker(
  { sets: own, all }: Rankers,
  sets: readonly Uint32Array[],
  numItems: number,
  options: SearchOptions,
): Search {
  return {
    searchesSets: own !== undefined,
    best: async (set, queries, masks, top) => {
      const items = sets[set]!;
      if (own) return await (await own[set]!(queries)).top(masks, top, options);
      if (items.length === numItems) return await (await all(queries)).top(masks, top, options);
      return await bestOfSet(await all(queries), items, queries.size, masks, top, options);
    },
    score: async (queries, lists) => Float64Array.from(await (await all(queries)).score(lists, options)),
    end: () => Promise.resolve(),
  };
}

/** The best of a set by the scores of its items, so many pairs at a time. */
async function bestOfSet(
  ranker: Ranker,
  set: Uint32Array,
  numQueries: number,
  masks: ItemLists,
  top: number,
  options: SearchOptions,
): Promise<TopItems> {
  const found = noItems(numQueries, top);
  const step = Math.max(1, Math.floor(PAIRS / Math.max(1, set.length)));
  const places = new Map(Array.from(set, (item, place) => [item, place] as const));
  for (let first = 0; first < numQueries; first += step) {
    options.signal.throwIfAborted();
    const last = Math.min(first + step, numQueries);
    const { items, scores } = await rankLists(
      ranker,
      openOf(set, masks, numQueries, first, last),
      top,
      options,
    );
    for (let at = first * top; at < last * top; at++) {
      if (items[at] === NO_ITEM) continue;
      found.items[at] = places.get(items[at]!)!;
      found.scores[at] = scores[at]!;
    }
  }
  return found;
}

/** For queries first .. last - 1 the items of the set that they are not masked from; nothing for the others. */
function openOf(
  set: Uint32Array,
  { indptr, items: masked }: ItemLists,
  numQueries: number,
  first: number,
  last: number,
): ItemLists {
  const ends = new Uint32Array(numQueries + 1);
  const items: number[] = [];
  for (let q = 0; q < numQueries; q++) {
    if (q >= first && q < last) {
      const closed = new Set(masked.subarray(indptr[q], indptr[q + 1]));
      for (let place = 0; place < set.length; place++) if (!closed.has(place)) items.push(set[place]!);
    }
    ends[q + 1] = items.length;
  }
  return { indptr: ends, items: Uint32Array.from(items) };
}

/** Lists as places within a set, ascending; what the set has not is left out. @param set u32, ascending @param numItems of all sets */
export function placesIn(set: Uint32Array, { indptr, items }: ItemLists, numItems: number): ItemLists {
  // all items are their own places
  if (set.length === numItems) return { indptr, items };
  const ends = new Uint32Array(indptr.length);
  const places = new Uint32Array(items.length);
  let end = 0;
  for (let q = 0; q + 1 < indptr.length; q++) {
    for (let at = indptr[q]!; at < indptr[q + 1]!; at++) {
      const place = placeIn(set, items[at]!);
      if (set[place] === items[at]) places[end++] = place;
    }
    ends[q + 1] = end;
  }
  return { indptr: ends, items: places.subarray(0, end) };
}

/** The chosen queries of a block. @param rows u32, ascending */
export function pickQueries(queries: Queries, rows: Uint32Array, dim: number): Queries {
  const { vectors, users, asked, size } = queries;
  if (rows.length === size) return queries;
  return {
    size: rows.length,
    ...(vectors && { vectors: vectorsAt({ vectors, dim }, rows) }),
    ...(users && { users: rows.map((row) => users[row]!) }),
    ...(asked && { asked: listsOfUsers(asked, rows) }),
  };
}
