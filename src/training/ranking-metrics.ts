// How well a model's best items of each user hold what was held out, as training looks at it.

import type { Metrics } from "../embedding/manifest.js";
import { UsageError } from "../errors.js";
import { meanOf, rankedByUser, type RankingOptions } from "../evaluation/ranking.js";
import type { UserMetric } from "../evaluation/user-metric.js";
import { rowsAt } from "../dataset/rows.js";
import type { NegativeSource } from "../sampling/negative-source.js";
import type { RankingQueries } from "../sampling/ranking-events.js";
import { hashOrder, placesOf, renumbered } from "../sampling/training-events.js";
import { measuredBy } from "./options/lists.js";
import type { RankingJob, Scorer } from "./trained.js";

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

/** The ranking metrics of the validation and the test part. */
export async function rankingMetricsOfParts(
  model: Scorer,
  { examples, options: { k, metric } }: RankingJob,
  threads: number,
  signal: AbortSignal,
): Promise<Record<string, Metrics>> {
  const { source, valid, test } = examples;
  const options = { k, metric: measuredBy(metric), threads, signal };
  const metrics: Record<string, Metrics> = {};
  for (const [part, queries] of Object.entries({ valid, test })) {
    if (queries) metrics[part] = await rankingMetricsOf(model, source, queries, options);
  }
  return metrics;
}

/** Those of the validation part, by user. */
export async function rankingByUser(
  model: Scorer,
  { examples: { source, valid }, options: { k, metric } }: RankingJob,
  threads: number,
  signal: AbortSignal,
): Promise<UserMetric[]> {
  if (!valid || valid.context.numRows === 0 || !model.rank) return [];
  const options = { k, metric: measuredBy(metric), threads, signal };
  return await byUser(model.rank.bind(model), source, valid, options);
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
