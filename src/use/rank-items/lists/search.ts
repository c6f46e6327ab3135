// Searches the best items for a block of queries, either by vectors or by any other ranker.
//
//   set    item numbers that may be in a list, ascending: all allowed items, or those of a group
//   place  position of an item in its set

import { vectorsAt } from "../../../table/table.js";
import { ItemSearch } from "../../../table/retrieval/top-items.js";
import { NO_ITEM, type ItemLists, type TopItems } from "../../../compute/kernels/top-items/binding.js";
import { noItems, rankLists, vectorRanker, type Ranker } from "../../../metrics/rankers.js";
import type { QueryItems } from "../../../metrics/baselines/input.js";
import { listsOfUsers } from "../../../dataset/sampling/ranking-events.js";
import { placeIn } from "../../../dataset/sampling/negatives.js";
import { endedBy, unlessAborted } from "../../../compute/threads/with-machine.js";
import { MISSING } from "../../../log/keys.js";
import { groupStarts } from "../../../base/numeric/groups.js";

/** Number of entries of ranked lists in memory at a time. Each entry takes 8 bytes in each of a few copies. */
export const PLACES = 1 << 23;
export interface Queries {
  size: number;
  /** vector of each query, f32[size * dim] */
  vectors?: Float32Array;
  /** u32[size]: user numbers that the ranker uses */
  users?: Uint32Array;
  /** lists of items: the history of each query's user */
  asked?: QueryItems;
}

/** A search for the best items of queries, which is exact. */
export interface ListSearch {
  /** true if the sets are searched separately, in a time proportional to their sizes */
  searchesSets: boolean;
  /** Items are given by their positions in the set, in the masks as well as in the result. */
  best(set: number, queries: Queries, masks: ItemLists, top: number): Promise<TopItems>;
  /** Returns the scores of listed item numbers. @returns f64, parallel to lists.items */
  score(queries: Queries, lists: ItemLists): Promise<Float64Array>;
  end(): Promise<void>;
}

export interface SearchOptions {
  threads: number;
  signal: AbortSignal;
}

interface ItemMatrix {
  dim: number;
  /** vector of each item, f32[n * dim] */
  vectors: Float32Array;
  /** f32[n]: summand of each item's score; -Infinity for items that are never returned */
  weights?: Float32Array;
}

/** Returns a search for the best items by dot products. @param sets u32[]: item numbers of each set, ascending */
export async function searchVectors(
  { dim, vectors, weights }: ItemMatrix,
  sets: readonly Uint32Array[],
  { threads, signal }: SearchOptions,
): Promise<ListSearch> {
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

type RankerOfQueries = (queries: Queries) => Ranker | Promise<Ranker>;

interface Rankers {
  /** for each set, the ranker of its items; when absent, `all` scores the items of a set one by one */
  sets?: readonly RankerOfQueries[];
  all: RankerOfQueries;
}

const PAIRS = 1 << 22;

/** Returns a search for the best items by a model or a baseline. @param numItems number of all items */
export function searchByRanker(
  { sets: own, all }: Rankers,
  sets: readonly Uint32Array[],
  numItems: number,
  options: SearchOptions,
): ListSearch {
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

/** Returns the best items of a set by scoring all of its items, in batches of PAIRS (query, item) pairs. */
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
      unmaskedItems(set, masks, numQueries, first, last),
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

function unmaskedItems(
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

/** Converts item numbers to positions in an ascending set, and drops items outside of it. @param numItems of all items */
export function placesIn(set: Uint32Array, { indptr, items }: ItemLists, numItems: number): ItemLists {
  // in the set of all items, the position of an item is its number
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

/** Selects queries of a block. @param rows u32: indexes of the queries, ascending */
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

export interface SetParts {
  /** u32[] each: item numbers of each part of the set, ascending */
  parts: Uint32Array[];
  /** code, such as a category, that all items of a part have, by part; MISSING for the last part if `hasRest` */
  codes: number[];
  /** true if the last part of the set contains the items without a code */
  hasRest: boolean;
  /** index of the first part of this set of items, if the parts of all sets of items are numbered consecutively */
  first: number;
}

/** Splits each set into parts with equal codes. @param codes u32[numItems]; MISSING for items without a code */
export function partsOfSets(sets: readonly Uint32Array[], codes: Uint32Array): SetParts[] {
  let first = 0;
  return sets.map((items) => {
    const byCode = new Map<number, number[]>();
    for (const item of items) {
      const own = byCode.get(codes[item]!);
      if (own) own.push(item);
      else byCode.set(codes[item]!, [item]);
    }
    const rest = byCode.get(MISSING);
    byCode.delete(MISSING);
    if (rest) byCode.set(MISSING, rest);
    const parts = [...byCode.values()].map((own) => Uint32Array.from(own));
    const found = { parts, codes: [...byCode.keys()], hasRest: rest !== undefined, first };
    first += parts.length;
    return found;
  });
}

export interface PartSearch {
  started: () => Promise<ListSearch>;
  end: () => Promise<void>;
}

/** @param start function that starts a search in sets of items */
export function partSearch(
  start: (sets: readonly Uint32Array[]) => Promise<ListSearch>,
  ofSet: readonly SetParts[],
): PartSearch {
  let started: Promise<ListSearch> | undefined;
  return {
    started: () => (started ??= start(ofSet.flatMap(({ parts }) => parts))),
    end: async () => {
      // if the search failed to start, the caller of `started` received the error, and there is nothing to end
      const search = await started?.catch(() => undefined);
      await search?.end();
    },
  };
}

/** Converts masks of ascending item numbers to masks of positions within a part of the items. */
export function masksByPart(
  { indptr, items }: ItemLists,
  parts: readonly Uint32Array[],
  numItems: number,
): (part: number) => ItemLists {
  const [partOf, placeOf] = [new Uint32Array(numItems).fill(NO_ITEM), new Uint32Array(numItems)];
  parts.forEach((own, part) =>
    own.forEach((item, place) => {
      partOf[item] = part;
      placeOf[item] = place;
    }),
  );
  const ofPart: { query: number; place: number }[][] = parts.map(() => []);
  for (let query = 0; query + 1 < indptr.length; query++)
    for (let at = indptr[query]!; at < indptr[query + 1]!; at++) {
      const item = items[at]!;
      if (partOf[item] !== NO_ITEM) ofPart[partOf[item]!]!.push({ query, place: placeOf[item]! });
    }
  return (part) => {
    const own = ofPart[part]!;
    return {
      indptr: groupStarts((i) => own[i]!.query, own.length, indptr.length - 1),
      items: Uint32Array.from(own, ({ place }) => place),
    };
  };
}
