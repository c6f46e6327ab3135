// Ranking metrics: how many of the items that a user chose later are among the best items that a contender ranks for
// the user.
//
//   L   the K best unmasked items of a user
//   H   the distinct unmasked held-out items of the user; n = min(K, |H|)
//
// The metrics (metrics.ts has their formulas) are means over the users with held-out items. Sources: Jarvelin and
// Kekalainen 2002 (doi:10.1145/582415.582418) for NDCG; NGCF and LightGCN (He et al. 2020, arXiv:2002.02126) for the
// protocol, which ranks all items.

import { ascending, mapTo } from "../base/numeric/indices.js";
import { log } from "../base/numeric/exp.js";
import {
  NO_ITEM,
  type ItemLists,
  type TopItems,
  type TopItemsInput,
} from "../compute/kernels/top-items/binding.js";
import { topItems } from "../table/retrieval/top-items.js";
import { rankLists, vectorRanker } from "./rankers.js";
import { listMetrics, rankingMetricNames } from "./metrics.js";
import type { UserMetric } from "./user-metric.js";

export interface RankingMetricOptions {
  /** K >= 1: number of items per list */
  k: number;
  metric?: string;
  threads: number;
  signal?: AbortSignal;
}

/**
 * Computes the metrics of lists for each user. Queries are the vectors of users; masks are their training items.
 * Held-out items without a vector are NO_ITEM, and count as missed. Results do not depend on the number of threads.
 *
 * @param heldOut one ascending list per query; queries without held-out items are skipped
 * @param metric name of an additional metric
 * @param among one list per query: the items to rank, in place of all items
 * @returns recallAtK, ndcgAtK and the additional metric, with the number K in their names; empty when no query has
 * held-out items
 */
export async function rankedByUser(
  input: TopItemsInput,
  heldOut: ItemLists,
  { k, metric = "recall", threads, signal }: RankingMetricOptions,
  among?: ItemLists,
): Promise<UserMetric[]> {
  const top = 1 + Math.min(k, input.items.length / input.dim);
  const ranked = among
    ? await rankLists(vectorRanker(input), among, top, { threads, signal })
    : await topItems(input, top, threads, signal);
  const wanted = ["recall", "ndcg", metric].map((name) => `${name}At${k}`);
  return rankingMetrics(ranked, top, [k], withoutMasked(heldOut, input.masks)).filter(
    ({ name, sums }) => wanted.includes(name) && sums.length > 0,
  );
}

/** Returns a metric's name and its mean over users. */
export function namedMean({ name, sums }: UserMetric): [string, number] {
  return [name, sums.reduce((all, value) => all + value, 0) / sums.length];
}

/**
 * Computes the metrics of ranked lists at each K. Among equal scores, held-out items come last, and those that equal the
 * end of a list are missed, because equal scores may continue beyond it: a user without a usable history, for whom all
 * items score alike, has no hits.
 *
 * @param ranked best first, padded with NO_ITEM
 * @param top at least 1 more than each K, or than the number of items, so that ties with the next item are known
 * @returns by K, then by metric: a value for each query with held-out items, in query order
 */
export function rankingMetrics(
  ranked: TopItems,
  top: number,
  ks: readonly number[],
  heldOut: ItemLists,
): UserMetric[] {
  const gains = mapTo(Float64Array, { length: top }, (_, r) => Math.LN2 / log(r + 2));
  const ideal = new Float64Array(top + 1);
  gains.forEach((gain, r) => (ideal[r + 1] = ideal[r]! + gain));
  const numQueries = heldOut.indptr.length - 1;
  const kept = ascending(numQueries).filter((q) => heldOut.indptr[q + 1]! > heldOut.indptr[q]!);
  const columns = ks.map((k) => ({ k, values: namesAt(k).map(() => new Float64Array(kept.length)) }));
  kept.forEach((q, at) => {
    const wanted = heldOut.items.subarray(heldOut.indptr[q], heldOut.indptr[q + 1]);
    const isHit = hitsAfterTies(
      ranked.items.subarray(q * top, (q + 1) * top),
      ranked.scores.subarray(q * top, (q + 1) * top),
      new Set(wanted),
    );
    for (const { k, values } of columns) {
      let [hits, dcg, firstHit, precisions] = [0, 0, 0, 0];
      for (let r = 0; r < Math.min(k, top); r++) {
        if (isHit[r] === 0) continue;
        hits++;
        dcg += gains[r]!;
        firstHit ||= r + 1;
        precisions += hits / (r + 1);
      }
      const idealDcg = ideal[Math.min(k, wanted.length)]!;
      const list = { k, numHeldOut: wanted.length, hits, firstHit, dcg, idealDcg, precisions };
      listMetrics.forEach(({ ofList }, m) => (values[m]![at] = ofList(list)));
    }
  });
  return columns.flatMap(({ k, values }) => namesAt(k).map((name, m) => ({ name, sums: values[m]! })));
}

/** Returns u8[top]: 1 at the ranks of held-out items. */
function hitsAfterTies(items: Uint32Array, scores: Float32Array, wanted: ReadonlySet<number>): Uint8Array {
  const isHit = new Uint8Array(items.length);
  for (let from = 0, to = 0; from < items.length && items[from] !== NO_ITEM; from = to) {
    let hits = 0;
    do if (wanted.has(items[to]!)) hits++;
    while (++to < items.length && items[to] !== NO_ITEM && scores[to] === scores[from]);
    if (to - from === 1 || to < items.length) isHit.fill(1, to - hits, to);
  }
  return isHit;
}

function namesAt(k: number): string[] {
  return rankingMetricNames.map((name) => `${name}At${k}`);
}

/** Removes masked held-out items, which no list can contain because the user has them already. */
export function withoutMasked(heldOut: ItemLists, masks: ItemLists): ItemLists {
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

// Metrics of the items in lists, regardless of whether users choose them: coverage, popularity and inequality.
//
//   e_i   number of users whose K best items contain item i, in ascending order; n items
//
//   itemCoverage@K   items with e_i > 0 / n
//   popularity@K     sum e_i (training events of i) / sum e_i
//   gini@K           sum (2 i - n - 1) e_i / (n sum e_i), i = 1 .. n:
//                    0 if all items occur equally often, close to 1 if few items occur
//
// Source: Herlocker et al. 2004 (doi:10.1145/963770.963772) for coverage; Gini 1912 in the form of Sen 1973.

/**
 * Returns the metrics of the K best items of lists, at each K.
 *
 * @param ranked u32[numQueries * top]
 * @param counts u32[numItems]: training events of each item
 * @returns no metrics if the lists contain no item
 */
export function exposureMetrics(
  ranked: Uint32Array,
  top: number,
  ks: readonly number[],
  counts: Uint32Array,
): Record<string, number> {
  const metrics: Record<string, number> = {};
  for (const k of ks) {
    const shown = new Float64Array(counts.length);
    let [total, popularity] = [0, 0];
    for (let at = 0; at < ranked.length; at++) {
      const item = ranked[at]!;
      if (at % top >= k || item === NO_ITEM) continue;
      shown[item]!++;
      total++;
      popularity += counts[item]!;
    }
    if (total === 0) continue;
    const n = shown.length;
    metrics[`itemCoverageAt${k}`] = shown.filter((times) => times > 0).length / n;
    metrics[`popularityAt${k}`] = popularity / total;
    shown.sort();
    metrics[`giniAt${k}`] = shown.reduce((sum, times, i) => sum + (2 * i + 1 - n) * times, 0) / (n * total);
  }
  return metrics;
}
