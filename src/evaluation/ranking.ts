// Ranking metrics: how well a model's best items of each user hold what the user took later.
//
//   L   the K best items of a user by the model, those of training left out
//   H   the user's held-out items, each once, those of training left out
//
//   Recall@K   |L and H| / |H|
//   DCG@K      sum over ranks r = 1 .. K whose item is in H of 1 / log2(r + 1)
//   NDCG@K     DCG@K / the DCG@K of a list whose first min(K, |H|) items are in H
//
// Both are means over the users with held-out items. Source: Jarvelin and Kekalainen 2002 (doi:10.1145/582415.582418); the
// protocol is that of NGCF and LightGCN (He et al. 2020, arXiv:2002.02126), all items ranked.

import { log } from "../kernels/reference/exp.js";
import { NO_ITEM, type ItemLists, type TopItemsInput } from "../kernels/top-items.js";
import { topItems } from "../retrieval/top-items.js";

export interface RankingOptions {
  /** K >= 1: items a list */
  k: number;
  threads: number;
  signal?: AbortSignal;
}

/**
 * Recall and NDCG over all items.
 *
 * A query is a user's vector, its mask the items of training. Held-out items without a vector are NO_ITEM: they count as
 * missed. The same numbers at any number of threads.
 *
 * @param heldOut a list a query, ascending; a query without held-out items is left out
 * @returns recallAtK and ndcgAtK with K written out; nothing when no query has held-out items
 */
export async function evaluateRanking(
  input: TopItemsInput,
  heldOut: ItemLists,
  { k, threads, signal }: RankingOptions,
): Promise<Record<string, number>> {
  const { items } = await topItems(input, k, threads, signal);
  return rankingMetrics(items, k, withoutMasked(heldOut, input.masks));
}

/**
 * The metrics of lists that are ranked already.
 *
 * @param ranked u32[numQueries * k], best first
 */
export function rankingMetrics(ranked: Uint32Array, k: number, heldOut: ItemLists): Record<string, number> {
  const gains = Float64Array.from({ length: k }, (_, r) => Math.LN2 / log(r + 2));
  const ideal = new Float64Array(k + 1);
  gains.forEach((gain, r) => (ideal[r + 1] = ideal[r]! + gain));

  let [numQueries, recall, ndcg] = [0, 0, 0];
  for (let q = 0; q + 1 < heldOut.indptr.length; q++) {
    const wanted = heldOut.items.subarray(heldOut.indptr[q], heldOut.indptr[q + 1]);
    if (wanted.length === 0) continue;
    const set = new Set(wanted);
    let [hits, dcg] = [0, 0];
    for (let r = 0; r < k; r++) {
      const item = ranked[q * k + r]!;
      if (item === NO_ITEM || !set.has(item)) continue;
      hits++;
      dcg += gains[r]!;
    }
    numQueries++;
    recall += hits / wanted.length;
    ndcg += dcg / ideal[Math.min(k, wanted.length)]!;
  }
  if (numQueries === 0) return {};
  return { [`recallAt${k}`]: recall / numQueries, [`ndcgAt${k}`]: ndcg / numQueries };
}

/** Held-out items that are not masked: what a user has already cannot be found. */
function withoutMasked(heldOut: ItemLists, masks: ItemLists): ItemLists {
  const indptr = new Uint32Array(heldOut.indptr.length);
  const items: number[] = [];
  for (let q = 0; q + 1 < indptr.length; q++) {
    const masked = new Set(masks.items.subarray(masks.indptr[q], masks.indptr[q + 1]));
    for (let j = heldOut.indptr[q]!; j < heldOut.indptr[q + 1]!; j++) {
      if (!masked.has(heldOut.items[j]!)) items.push(heldOut.items[j]!);
    }
    indptr[q + 1] = items.length;
  }
  return { indptr, items: Uint32Array.from(items) };
}
