// Rankers: interfaces that return the best items for users, or the scores of given items, independently of the model.
//
//   vectors   inner products plus a weight per item, which the kernel searches
//   scores    a score per item, computed for one user at a time

import { ascending, mapTo } from "../base/numeric/indices.js";
import {
  checkLists,
  NO_ITEM,
  type ItemLists,
  type TopItems,
  type TopItemsInput,
} from "../compute/kernels/top-items/binding.js";
import { topItems } from "../table/retrieval/top-items.js";

/** Number of queries between two checks whether the search is canceled. */
const BREATH = 64;

/** Maximum length of lists that are filled by insertion; longer lists are sorted, which is then faster. */
const LONG_LIST = 128;

export interface RankerOptions {
  threads: number;
  signal?: AbortSignal;
  /** callback with the number of finished queries, for rankers by scores */
  progress?: (done: number, of: number) => void;
}

/** Ranks items, numbered 0 .. n - 1, for a fixed set of queries. At equal scores, the lower item number comes first. */
export interface Ranker {
  /** Returns the best items of each query that its mask does not contain. */
  top(masks: ItemLists, top: number, options: RankerOptions): Promise<TopItems>;
  /** Returns f64, parallel to the lists' items: the score of each item for its query. */
  score(lists: ItemLists, options: RankerOptions): Float64Array | Promise<Float64Array>;
}

/** Creates the ranker for given queries. @typeParam Q type of the queries */
export type RankerFor<Q> = (asked: Q) => Ranker | Promise<Ranker>;

/** Returns an exact ranker by inner products. */
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
          // adds the products in the same order as the kernel, so that sums are rounded equally
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

/** Number of items of a shortlist per item of the list. */
const SHORTLIST = 4;

/** Ranks by `exact` among the best four times as many items of `shortlist`. */
export function rescoredRanker(shortlist: Ranker, exact: Ranker): Ranker {
  return {
    ...exact,
    async top(masks, top, options) {
      const { items } = await shortlist.top(masks, SHORTLIST * top, options);
      const indptr = new Uint32Array(masks.indptr.length);
      let end = 0;
      for (let q = 0; q + 1 < indptr.length; q++) {
        for (let at = q * SHORTLIST * top; at < (q + 1) * SHORTLIST * top; at++)
          if (items[at] !== NO_ITEM) items[end++] = items[at]!;
        indptr[q + 1] = end;
      }
      return await rankLists(exact, { indptr, items: items.subarray(0, end) }, top, options);
    },
  };
}

/** Function that writes a query's scores to f64[numItems], which may contain old values; queries come in order. */
export type FillScores = (query: number, scores: Float64Array) => void | Promise<void>;

/** Scores are computed for one query after another. */
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

/**
 * Returns the items with the highest scores for each query, without the query's masked items and without items of score
 * -Infinity.
 *
 * @param scores f64[numItems], filled in for each query
 */
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

/** In descending order, ties in item order. Elements beyond these items are unchanged. */
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

/** Sorts the items of each list by descending score, ties in item order. Unknown items score -Infinity. */
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

/** Returns a list without any item for each query. @throws {UsageError} as checkLists */
export function noItems(numQueries: number, top: number): TopItems {
  checkLists(numQueries, top);
  const [items, scores] = [new Uint32Array(numQueries * top), new Float32Array(numQueries * top)];
  return { items: items.fill(NO_ITEM), scores: scores.fill(-Infinity) };
}
