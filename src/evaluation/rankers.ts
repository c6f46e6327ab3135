// What ranks items for users, whatever it is: the best of all items, or the scores of some.
//
//   vectors   an inner product and a weight an item: searched by the kernel
//   scores    a number for each item, filled in a user at a time

import { ascending, mapTo } from "../numeric/indices.js";
import {
  checkLists,
  NO_ITEM,
  type ItemLists,
  type TopItems,
  type TopItemsInput,
} from "../kernels/top-items/binding.js";
import { topItems } from "../retrieval/top-items.js";

/** Queries after which a search looks whether it is to end. */
const BREATH = 64;

/** Lists above this length are sorted: inserting would move half of them for each item. */
const LONG_LIST = 128;

export interface RankerOptions {
  threads: number;
  signal?: AbortSignal;
  /** hears how many of the queries are done, of rankers by scores */
  progress?: (done: number, of: number) => void;
}

/** Items are numbered 0 .. n - 1; of equal scores the lower number stands first. */
export interface Ranker {
  /** the best items of each query that it is not masked from */
  top(masks: ItemLists, top: number, options: RankerOptions): Promise<TopItems>;
  /** f64, as the lists' items: what each scores for its query */
  score(lists: ItemLists, options: RankerOptions): Float64Array | Promise<Float64Array>;
}

/** What ranks, ready for any queries. @typeParam Q what queries are made of */
export type RankerFor<Q> = (asked: Q) => Ranker | Promise<Ranker>;

/** Ranks by inner products, exactly. */
export function vectorRanker(input: Omit<TopItemsInput, "masks">): Ranker {
  const { dim, queries, items, weights } = input;
  return {
    async top(masks, top, { threads, signal }) {
      return await topItems({ ...input, masks }, top, threads, signal);
    },
    score: ({ indptr, items: listed }) => {
      const scores = new Float64Array(listed.length);
      for (let q = 0; q + 1 < indptr.length; q++) {
        for (let at = indptr[q]!; at < indptr[q + 1]!; at++) {
          const item = listed[at]!;
          // as the kernel adds them
          let score = weights?.[item] ?? 0;
          for (let d = 0; d < dim; d++) {
            score = Math.fround(score + Math.fround(queries[q * dim + d]! * items[item * dim + d]!));
          }
          scores[at] = score;
        }
      }
      return scores;
    },
  };
}

/** Writes f64[numItems], which holds anything. Queries are asked for in their order. */
export type FillScores = (query: number, scores: Float64Array) => void | Promise<void>;

/** Ranks by scores that are filled in for one query after the other. */
export function scoreRanker(numItems: number, fill: (query: number, scores: Float64Array) => void): Ranker {
  const scores = new Float64Array(numItems);
  return {
    top: (masks, top, { signal, progress }) => topByScores(masks, top, scores, fill, signal, progress),
    score: ({ indptr, items }) => {
      const listed = new Float64Array(items.length);
      for (let q = 0; q + 1 < indptr.length; q++) {
        if (indptr[q] === indptr[q + 1]) continue;
        fill(q, scores);
        for (let at = indptr[q]!; at < indptr[q + 1]!; at++) listed[at] = scores[items[at]!]!;
      }
      return listed;
    },
  };
}

/** As Ranker.top; an item of -Infinity is never found. @param scores f64[numItems], filled in for each query */
export async function topByScores(
  { indptr, items }: ItemLists,
  top: number,
  scores: Float64Array,
  fill: FillScores,
  signal?: AbortSignal,
  progress?: (done: number, of: number) => void,
): Promise<TopItems> {
  const found = noItems(indptr.length - 1, top);
  for (let q = 0; q + 1 < indptr.length; q++) {
    if (q % BREATH === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      progress?.(q, indptr.length - 1);
    }
    await fill(q, scores);
    for (let at = indptr[q]!; at < indptr[q + 1]!; at++) scores[items[at]!] = -Infinity;
    const best = found.items.subarray(q * top, (q + 1) * top);
    putBest(scores, best);
    best.forEach((item, r) => item !== NO_ITEM && (found.scores[q * top + r] = scores[item]!));
  }
  return found;
}

/** Writes the items of the highest scores, best first, ties in their order; leaves what cannot be filled. */
function putBest(scores: Float64Array, best: Uint32Array): void {
  const top = best.length;
  if (top > LONG_LIST) {
    const places = ascending(scores.length).filter((item) => scores[item]! > -Infinity);
    best.set(places.sort((a, b) => scores[b]! - scores[a]! || a - b).subarray(0, top));
    return;
  }
  let [held, worst] = [0, -Infinity];
  for (let item = 0; item < scores.length; item++) {
    const score = scores[item]!;
    if (!(score > worst)) continue;
    let at = held < top ? held++ : top - 1;
    for (; at > 0 && scores[best[at - 1]!]! < score; at--) best[at] = best[at - 1]!;
    best[at] = item;
    if (held === top) worst = scores[best[top - 1]!]!;
  }
}

/**
 * The items of each list by what they score, best first, ties in their order; one that the ranker does not know scores -Infinity.
 */
export async function rankLists(
  ranker: Ranker,
  lists: ItemLists,
  top: number,
  options: RankerOptions,
): Promise<TopItems> {
  const { indptr, items } = lists;
  const scores = await ranker.score(lists, options);
  const ranked = noItems(indptr.length - 1, top);
  for (let q = 0; q + 1 < indptr.length; q++) {
    const [from, to] = [indptr[q]!, indptr[q + 1]!];
    const places = mapTo(Uint32Array, { length: to - from }, (_, i) => from + i).sort(
      (a, b) => scores[b]! - scores[a]! || items[a]! - items[b]!,
    );
    places.subarray(0, top).forEach((at, r) => {
      ranked.items[q * top + r] = items[at]!;
      ranked.scores[q * top + r] = scores[at]!;
    });
  }
  return ranked;
}

/** Lists that hold nothing yet. @throws {UsageError} as checkLists */
export function noItems(numQueries: number, top: number): TopItems {
  checkLists(numQueries, top);
  const [items, scores] = [new Uint32Array(numQueries * top), new Float32Array(numQueries * top)];
  return { items: items.fill(NO_ITEM), scores: scores.fill(-Infinity) };
}
