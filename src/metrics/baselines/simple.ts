// Baselines of counts and of chance.
//
//   popularity     ranks items by their number of training events, in the same order for all users
//   user-history   ranks the items of a user by their number of events, followed by the most popular items. Models must
//                  beat this baseline if users often repeat items; if these are masked, it equals popularity
//   random         ranks items at random in an order that the seed determines, to show the metrics of chance

import { mapTo } from "../../base/numeric/indices.js";
import { draw } from "../../base/numeric/random.js";
import { noItems, scoreRanker, vectorRanker, type Ranker, type RankerFor } from "../rankers.js";
import type { AskedUsers, Baseline, BaselineInput } from "./input.js";

export const popularity: Baseline = {
  ranker: ({ counts }) => {
    const [items, weights] = [new Float32Array(counts.length), Float32Array.from(counts)];
    return ({ users }) => vectorRanker({ dim: 1, queries: new Float32Array(users.length), items, weights });
  },
};

export const userHistory: Baseline = { ranker: historyRanker };

/** Popularity breaks ties and orders the items that the user does not have. */
function historyRanker({ history, counts, pairEvents }: BaselineInput): RankerFor<AskedUsers> {
  const { indptr, items } = history;
  const most = counts.reduce((high, count) => Math.max(high, count), 0) + 1;
  const popularity = mapTo(Float64Array, counts, (count) => count / most);
  return ({ users }) =>
    scoreRanker(counts.length, (query, scores) => {
      const user = users[query]!;
      scores.set(popularity);
      for (let at = indptr[user]!; at < indptr[user + 1]!; at++) {
        scores[items[at]!]! += pairEvents ? pairEvents[at]! : 1;
      }
    });
}

export const random: Baseline = {
  ranker: ({ counts }, { seed }) => {
    const numItems = counts.length;
    return ({ users }) => randomRanker(numItems, (query) => draw(draw(seed, 0x72616e64), users[query]!));
  },
};

/** Draws the items of a list one by one, skipping repeated and masked items; all items of a list score 0. */
function randomRanker(numItems: number, keyOf: (query: number) => number): Ranker {
  return {
    top: ({ indptr, items }, top) => {
      const numQueries = indptr.length - 1;
      const found = noItems(numQueries, top);
      for (let q = 0; q < numQueries; q++) {
        const taken = new Set(items.subarray(indptr[q], indptr[q + 1]));
        const length = Math.min(top, numItems - taken.size);
        const key = keyOf(q);
        for (let n = 0, r = 0; r < length; n++) {
          // draws items by hash; after 64 * top draws, takes the remaining items in their order
          const item = n < 64 * top ? Math.floor((draw(key, n) / 2 ** 32) * numItems) : n - 64 * top;
          if (taken.has(item)) continue;
          taken.add(item);
          found.scores[q * top + r] = 0;
          found.items[q * top + r++] = item;
        }
      }
      return Promise.resolve(found);
    },
    score: ({ indptr, items }) => {
      const scores = new Float64Array(items.length);
      for (let q = 0; q + 1 < indptr.length; q++) {
        for (let at = indptr[q]!; at < indptr[q + 1]!; at++) scores[at] = draw(keyOf(q), items[at]!);
      }
      return scores;
    },
  };
}
