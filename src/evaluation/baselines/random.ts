// Ranks items at random in an order that the seed determines, to show the metrics of chance.

import { draw } from "../../numeric/random.js";
import { noItems, type Ranker } from "../rankers.js";
import type { Baseline } from "./input.js";

export const baseline: Baseline = {
  ranker: ({ counts }, { seed }) => {
    const numItems = counts.length;
    return ({ users }) => rankerOf(numItems, (query) => draw(draw(seed, 0x72616e64), users[query]!));
  },
};

/** Draws the items of a list one by one, skipping repeated and masked items; all items of a list score 0. */
function rankerOf(numItems: number, keyOf: (query: number) => number): Ranker {
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
