// How well a model's best items of each user hold what was held out, as training looks at it.

import type { Metrics } from "../embedding/manifest.js";
import { UsageError } from "../errors.js";
import { evaluateRanking, type RankingOptions } from "../evaluation/ranking.js";
import { rowsAt } from "../dataset/rows.js";
import type { NegativeSource } from "../sampling/negative-source.js";
import type { RankingQueries } from "../sampling/ranking-events.js";
import { hashOrder, placesOf, renumbered } from "../sampling/training-events.js";
import type { RankingJob, Scorer } from "./trained.js";

/**
 * Recall and NDCG of a model over all items that training knows; ties stand by a hash of the items' keys.
 *
 * @throws {UsageError} the model has no vectors that rank items
 */
export async function rankingMetricsOf(
  model: Scorer,
  { templates, items }: NegativeSource,
  { context, masks, heldOut }: RankingQueries,
  options: RankingOptions,
): Promise<Metrics> {
  if (!model.rank) throw new UsageError("the model has no vectors to rank items by");
  if (context.numRows === 0) return {};
  const order = hashOrder(items);
  const places = placesOf(order);
  return await evaluateRanking(
    { ...model.rank(context, rowsAt(templates, order)), masks: renumbered(masks, places) },
    renumbered(heldOut, places),
    options,
  );
}

/** The ranking metrics of the validation and the test part. */
export async function rankingMetricsOfParts(
  model: Scorer,
  { examples, options: { k } }: RankingJob,
  threads: number,
  signal: AbortSignal,
): Promise<Record<string, Metrics>> {
  const { source, valid, test } = examples;
  const metrics: Record<string, Metrics> = {};
  for (const [part, queries] of Object.entries({ valid, test })) {
    if (queries) metrics[part] = await rankingMetricsOf(model, source, queries, { k, threads, signal });
  }
  return metrics;
}
