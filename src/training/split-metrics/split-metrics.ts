// Computes the metrics of a training's splits, including the stopping metric (--metric).

import { type FeatureRows, rowsAt } from "../../dataset/rows.js";
import type { Metrics, PartMetrics } from "../../table/manifest.js";
import { DataError, UsageError } from "../../base/errors.js";
import { ascending } from "../../base/numeric/indices.js";
import { metricsOf } from "../../metrics/metrics.js";
import { scoredMetrics } from "../../metrics/scored-metrics.js";
import type { UserMetric } from "../../metrics/user-metric.js";
import type { ItemRanker, Scorer, Trained, RankingJob } from "../session/feature-training.js";
import type { Examples } from "../examples/examples.js";
import type { StoppingMetric } from "../epochs/early-stopping.js";
import type { StoppingMetricName } from "../shared-options/weekly.js";
import {
  namedMean,
  rankedByUser,
  rankingMetrics,
  withoutMasked,
  type RankingMetricOptions,
} from "../../metrics/ranking.js";
import { noItems, rankLists, scoreRanker } from "../../metrics/rankers.js";
import type { NegativeSource } from "../../dataset/sampling/negatives.js";
import type { RankingQueries } from "../../dataset/sampling/ranking-events.js";
import { hashOrder, placesOf, renumbered } from "../../dataset/sampling/training-events.js";
import { measuredBy } from "../shared-options/passes.js";

/** If no epoch is better than the initial parameters, the training loss is that of the first epoch. */
function trainMetrics({ epochs, bestEpoch, loss }: Pick<Trained, "epochs" | "bestEpoch" | "loss">): Metrics {
  const epoch = epochs[Math.max(0, bestEpoch - 1)];
  if (!epoch) return {};
  const { trainLoss } = epoch;
  return loss === "logistic" ? { logLoss: trainLoss } : { rmse: Math.sqrt(trainLoss) };
}

/** Computes the metrics of a split by scoring its rows. */
export async function metricsOfRows(
  model: Scorer,
  rows: FeatureRows,
  examples: Examples,
  threads: number,
): Promise<Metrics> {
  return metricsOfScores(await model.score(rows, { threads }), rows, examples);
}

function metricsOfScores(
  scores: Float32Array,
  { labels, weights }: FeatureRows,
  examples: Examples,
): Metrics {
  const task = examples.task === "regression" ? "regression" : "binary";
  return metricsOf(task, scores, labels, { clip: examples.labelRange, weights });
}

export interface MeasuredParts {
  metrics: Record<string, Metrics>;
  /** f32[rows of the validation split]: scores of a model that predicts labels */
  validScores?: Float32Array;
  /** metrics of the validation split, each with the contribution of every user, for a model that ranks items */
  validByUser?: readonly UserMetric[];
}

/** Measures a model on all splits; if it has `scoreByTable`, the scores of its table alone are measured, too. */
export async function measureParts(
  model: Trained,
  examples: Examples,
  threads: number,
  signal: AbortSignal,
): Promise<MeasuredParts> {
  const { valid, test, ranking } = examples;
  const measured: MeasuredParts = ranking
    ? await rankingMetricsOfParts(model, ranking, threads, signal)
    : { metrics: { train: trainMetrics(model) } };
  for (const [part, rows] of Object.entries({ valid, test })) {
    if (!rows) continue;
    const scores = await model.score(rows, { threads });
    if (part === "valid") measured.validScores = scores;
    measured.metrics[part] = metricsOfScores(scores, rows, examples);
    if (!model.scoreByTable) continue;
    const byTable = { score: model.scoreByTable };
    measured.metrics[`${part}ByTable`] = await metricsOfRows(byTable, rows, examples, threads);
  }
  return measured;
}

/** Returns metrics of the validation split, each with the contribution of every row or, of rankings, every user. */
export function validationByUnit(
  { validScores, validByUser = [] }: MeasuredParts,
  { valid, task: given, labelRange: clip }: Examples,
): readonly UserMetric[] {
  if (!valid || !validScores) return validByUser;
  const { labels, weights, numRows: size } = valid;
  const task = given === "regression" ? "regression" : "binary";
  const units = { kind: "row" as const, size, of: ascending(size) };
  return scoredMetrics(task, validScores, labels, units, { bins: 1, clip, weights }).byUser;
}

const tasks: Record<Exclude<StoppingMetricName, "loss">, "binary" | "regression"> = {
  auc: "binary",
  rmse: "regression",
};

/** @returns undefined for the loss, because trainers compute it themselves */
export function stoppingMetricOf(
  name: StoppingMetricName | undefined,
  { task, valid, labelRange }: Examples,
): StoppingMetric | undefined {
  if (name === undefined) return undefined;
  if (!valid)
    throw new UsageError(`--metric ${name} is a stopping metric and needs a validation split: set --valid`);
  if (name === "loss") return undefined;
  if (tasks[name] !== task) {
    const [other] = Object.entries(tasks).find(([, one]) => one === task) ?? ["loss"];
    throw new UsageError(
      `--metric ${name} needs a ${tasks[name]} label, but this one is ${task}: use ${other} or loss`,
    );
  }
  return {
    name,
    better: name === "auc" ? "higher" : "lower",
    of(scores, { labels, weights }) {
      const value = metricsOf(tasks[name], scores, labels, { clip: labelRange, weights })[name];
      if (value === undefined) {
        throw new DataError(
          "AUC is undefined because all labels in the validation split are equal: use --metric loss",
        );
      }
      return value;
    },
  };
}

/** Returns the name in `metrics` of the stopping metric, by which --search compares settings. */
export function comparedByLabels(valid: PartMetrics, metric: StoppingMetricName = "loss"): string {
  if (metric !== "loss") return metric;
  return ["logLoss", "multiLogLoss"].find((name) => Object.hasOwn(valid, name)) ?? "rmse";
}

/** Computes recall, NDCG and the chosen metric over all training items. Ties are broken by a hash of the items' keys. */
export async function rankingMetricsOf(
  model: Partial<ItemRanker>,
  source: NegativeSource,
  queries: RankingQueries,
  options: RankingMetricOptions,
): Promise<Metrics> {
  if (!model.rank) throw noVectors();
  if (queries.context.numRows === 0) return {};
  return Object.fromEntries((await byUser(model.rank.bind(model), source, queries, options)).map(namedMean));
}

/** Computes ranking metrics of the validation and test split, and those of the validation split by user. */
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
      ...(valid && { valid: Object.fromEntries(validByUser.map(namedMean)) }),
      ...(test && { test: Object.fromEntries(testByUser.map(namedMean)) }),
    },
    validByUser,
  };
}

/** Computes the ranking metrics by user of the popularity ranking, which orders items by number of training events. */
export function rankingByPopularity(
  { items, counts }: NegativeSource,
  { masks, heldOut, among }: RankingQueries,
  k: number,
): UserMetric[] {
  const places = placesOf(hashOrder(items));
  const order = ascending(counts.length).sort((a, b) => counts[b]! - counts[a]! || places[a]! - places[b]!);
  const ranks = placesOf(order);
  const numQueries = masks.indptr.length - 1;
  const top = k + 1;
  const ranked = noItems(numQueries, top);
  for (let q = 0; q < numQueries; q++) {
    const masked = new Set(masks.items.subarray(masks.indptr[q], masks.indptr[q + 1]));
    const candidates = among
      ? among.items.slice(among.indptr[q], among.indptr[q + 1]).sort((a, b) => ranks[a]! - ranks[b]!)
      : order;
    let found = 0;
    for (let n = 0; n < candidates.length && found < top; n++)
      if (!masked.has(candidates[n]!)) {
        ranked.items[q * top + found] = candidates[n]!;
        ranked.scores[q * top + found++] = counts[candidates[n]!]!;
      }
  }
  return rankingMetrics(ranked, top, [k], withoutMasked(heldOut, masks)).filter(
    ({ sums }) => sums.length > 0,
  );
}

/** Computes the ranking metrics by user of scores without vectors. @param fill writes a query's score of each item */
export async function rankingByScores(
  fill: (query: number, scores: Float64Array) => void,
  { items }: NegativeSource,
  { masks, heldOut, among }: RankingQueries,
  { k, ...how }: Pick<RankingMetricOptions, "k" | "threads" | "signal">,
): Promise<UserMetric[]> {
  const order = hashOrder(items);
  const places = placesOf(order);
  const own = new Float64Array(items.size);
  const ranker = scoreRanker(items.size, (query, scores) => {
    fill(query, own);
    order.forEach((item, place) => (scores[place] = own[item]!));
  });
  const masked = renumbered(masks, places);
  const ranked = among
    ? await rankLists(ranker, renumbered(among, places), k + 1, how)
    : await ranker.top(masked, k + 1, how);
  const left = withoutMasked(renumbered(heldOut, places), masked);
  return rankingMetrics(ranked, k + 1, [k], left).filter(({ sums }) => sums.length > 0);
}

async function byUser(
  rank: ItemRanker["rank"],
  { templates, items }: NegativeSource,
  { context, masks, heldOut, among }: RankingQueries,
  options: RankingMetricOptions,
): Promise<UserMetric[]> {
  const order = hashOrder(items);
  const places = placesOf(order);
  const input = { ...(await rank(context, rowsAt(templates, order))), masks: renumbered(masks, places) };
  return await rankedByUser(input, renumbered(heldOut, places), options, among && renumbered(among, places));
}

function noVectors(): UsageError {
  return new UsageError("the model has no vectors to rank items by");
}
