// How well a model's best items of each user hold what was held out, as training looks at it.

import type { Metrics } from "../../embedding/manifest.js";
import { UsageError } from "../../errors.js";
import {
  meanOf,
  rankedByUser,
  rankingMetrics,
  withoutMasked,
  type RankingOptions,
} from "../../evaluation/ranking.js";
import { NO_ITEM } from "../../kernels/top-items/binding.js";
import { ascending } from "../../numeric/indices.js";
import type { UserMetric } from "../../evaluation/user-metric.js";
import { rowsAt } from "../../dataset/rows.js";
import type { NegativeSource } from "../../sampling/negative-source.js";
import type { RankingQueries } from "../../sampling/ranking-events.js";
import { hashOrder, placesOf, renumbered } from "../../sampling/training-events.js";
import { measuredBy } from "../options/lists.js";
import type { RankingJob, Scorer } from "../session/feature-training.js";

/**
 * Recall, NDCG and the chosen metric of a model over all items that training knows; ties stand by a hash of the items' keys.
 *
 * @throws {UsageError} the model has no vectors that rank items
 */
export async function rankingMetricsOf(
  model: Scorer,
  source: NegativeSource,
  queries: RankingQueries,
  options: RankingOptions,
): Promise<Metrics> {
  if (!model.rank) throw noVectors();
  if (queries.context.numRows === 0) return {};
  return Object.fromEntries((await byUser(model.rank.bind(model), source, queries, options)).map(meanOf));
}

/** The ranking metrics of the validation and the test part, and those of the validation part by user. */
export async function rankingMetricsOfParts(
  model: Scorer,
  { examples, options: { k, metric } }: RankingJob,
  threads: number,
  signal: AbortSignal,
): Promise<{ metrics: Record<string, Metrics>; validByUser: UserMetric[] }> {
  const { source, valid, test } = examples;
  const options = { k, metric: measuredBy(metric), threads, signal };
  if (!model.rank) throw noVectors();
  const rank = model.rank.bind(model);
  const measured = async (queries: RankingQueries | undefined): Promise<UserMetric[]> =>
    queries && queries.context.numRows > 0 ? await byUser(rank, source, queries, options) : [];
  const [validByUser, testByUser] = [await measured(valid), await measured(test)];
  return {
    metrics: {
      ...(valid && { valid: Object.fromEntries(validByUser.map(meanOf)) }),
      ...(test && { test: Object.fromEntries(testByUser.map(meanOf)) }),
    },
    validByUser,
  };
}

/** Ranking metrics by user of the items with the most training events, the same for all users. */
export function rankingByPopularity(
  { items, counts }: NegativeSource,
  { masks, heldOut, among }: RankingQueries,
  k: number,
): UserMetric[] {
  const places = placesOf(hashOrder(items));
  const order = ascending(counts.length).sort((a, b) => counts[b]! - counts[a]! || places[a]! - places[b]!);
  const ranks = placesOf(order);
  const numQueries = masks.indptr.length - 1;
  const ranked = new Uint32Array(numQueries * k).fill(NO_ITEM);
  for (let q = 0; q < numQueries; q++) {
    const masked = new Set(masks.items.subarray(masks.indptr[q], masks.indptr[q + 1]));
    const candidates = among
      ? among.items.slice(among.indptr[q], among.indptr[q + 1]).sort((a, b) => ranks[a]! - ranks[b]!)
      : order;
    let found = 0;
    for (let n = 0; n < candidates.length && found < k; n++)
      if (!masked.has(candidates[n]!)) ranked[q * k + found++] = candidates[n]!;
  }
  return rankingMetrics(ranked, k, [k], withoutMasked(heldOut, masks)).filter(({ sums }) => sums.length > 0);
}

/** Ties stand in the order of the items' hashes. */
async function byUser(
  rank: NonNullable<Scorer["rank"]>,
  { templates, items }: NegativeSource,
  { context, masks, heldOut, among }: RankingQueries,
  options: RankingOptions,
): Promise<UserMetric[]> {
  const order = hashOrder(items);
  const places = placesOf(order);
  const input = { ...rank(context, rowsAt(templates, order)), masks: renumbered(masks, places) };
  return await rankedByUser(input, renumbered(heldOut, places), options, among && renumbered(among, places));
}

function noVectors(): UsageError {
  return new UsageError("the model has no vectors to rank items by");
}
