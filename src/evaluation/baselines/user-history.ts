// Ranks the items of a user by their number of events, followed by the most popular items. Models must beat this
// baseline if users often repeat items; if these are masked, it equals popularity.

import { mapTo } from "../../numeric/indices.js";
import { scoreRanker, type RankerFor } from "../rankers.js";
import type { AskedUsers, Baseline, BaselineInput } from "./input.js";

export const baseline: Baseline = { ranker: historyRanker };

/** Returns a ranker by the user's number of events of an item; popularity breaks ties and orders the other items. */
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
