// Item-based collaborative filtering: the score of an item is the sum of its cosines with the items of a query. A query
// consists of all training items of the user, or of the most recent ones; their weights are 1, or depend on their age.
//
//   c_ij   number of users who have both i and j; c_i = c_ii
//   score(u, j) = sum over i of u's query of w_i c_ij / sqrt(c_i c_j)          the cosine of an item with itself is 1
//
// All items contribute, not only nearest neighbors. The matrix of cosines is never stored: c_ij is a sum over users, so
// that
//
//   t_v        = sum over i of the query that v has of w_i / sqrt(c_i)   for the users v who share items with the query
//   score(u,j) = 1 / sqrt(c_j)  sum over v who have j of t_v
//
// whose cost for each user is the number of items of all users who share an item with the user.
//
// Source: Sarwar et al. 2001 (doi:10.1145/371920.372071), section 3.1.1, on binary events; Linden et al. 2003.

import type { ItemLists } from "../../compute/kernels/top-items/binding.js";
import { scoreRanker, type RankerFor } from "../rankers.js";
import type { AskedUsers, Baseline, BaselineInput, QueryItems } from "./input.js";
import { groupStarts } from "../../base/numeric/groups.js";

export const baseline: Baseline = { ranker: itemCfRanker };

function itemCfRanker({ history, counts }: BaselineInput): RankerFor<AskedUsers> {
  const { indptr, items } = history;
  const numItems = counts.length;
  const owners = ownersOf(history, numItems);
  const inverse = new Float64Array(numItems);
  for (let i = 0; i < numItems; i++) inverse[i] = 1 / Math.sqrt(owners.indptr[i + 1]! - owners.indptr[i]!);

  const shared = new Float64Array(indptr.length - 1);
  const touched = new Uint32Array(indptr.length - 1);
  const fill = (queries: QueryItems, query: number, scores: Float64Array): void => {
    scores.fill(0);
    let numTouched = 0;
    // first pass: for each user who shares items with the query, sums the weights of these items
    for (let at = queries.indptr[query]!; at < queries.indptr[query + 1]!; at++) {
      const item = queries.items[at]!;
      const much = (queries.weights?.[at] ?? 1) * inverse[item]!;
      for (let o = owners.indptr[item]!; o < owners.indptr[item + 1]!; o++) {
        const other = owners.items[o]!;
        if (shared[other] === 0) touched[numTouched++] = other;
        shared[other]! += much;
      }
    }
    // second pass: adds each of these users' sum from the first pass to the scores of all items that the user has
    for (let t = 0; t < numTouched; t++) {
      const other = touched[t]!;
      const much = shared[other]!;
      shared[other] = 0;
      for (let at = indptr[other]!; at < indptr[other + 1]!; at++) scores[items[at]!]! += much;
    }
    for (let item = 0; item < numItems; item++) if (scores[item]! > 0) scores[item]! *= inverse[item]!;
  };
  return ({ queries }) => scoreRanker(numItems, (query, scores) => fill(queries, query, scores));
}

export function ownersOf({ indptr, items }: ItemLists, numItems: number): ItemLists {
  const ends = groupStarts((i) => items[i]!, items.length, numItems);
  const at = ends.slice();
  const owners = new Uint32Array(items.length);
  for (let user = 0; user + 1 < indptr.length; user++) {
    for (let j = indptr[user]!; j < indptr[user + 1]!; j++) owners[at[items[j]!]!++] = user;
  }
  return { indptr: ends, items: owners };
}
