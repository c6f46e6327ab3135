// What a user took before, most often first; then the most popular items. It is what a model must beat where users come back
// to what they know, and ranks nothing but popularity where that is masked.

import { mapTo } from "../../numeric/indices.js";
import { scoreRanker, type RankerFor } from "../rankers.js";
import type { AskedUsers, Baseline, BaselineInput } from "./input.js";

export const baseline: Baseline = { ranker: historyRanker };

/** Ranks by the user's own events of an item; popularity breaks ties and comes behind. */
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
