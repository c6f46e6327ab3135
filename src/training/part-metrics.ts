// The metrics of a training's parts.

import type { FeatureRows } from "../dataset/rows.js";
import type { Metrics } from "../embedding/manifest.js";
import { ascending } from "../numeric/indices.js";
import { metricsOf } from "../evaluation/metrics.js";
import { scoredMetrics } from "../evaluation/scored-metrics.js";
import type { UserMetric } from "../evaluation/user-metric.js";
import { rankingByUser } from "./ranking-metrics.js";
import type { Scorer, Trained } from "./trained.js";
import type { Examples } from "./examples.js";

/** Of the best epoch: its training loss, of rows before their steps. */
export function trainMetrics({
  epochs,
  bestEpoch,
  loss,
}: Pick<Trained, "epochs" | "bestEpoch" | "loss">): Metrics {
  const { trainLoss } = epochs[bestEpoch - 1]!;
  return loss === "logistic" ? { logLoss: trainLoss } : { rmse: Math.sqrt(trainLoss) };
}

/** Metrics of a part by the scores of its rows. */
export async function metricsOfRows(
  model: Scorer,
  rows: FeatureRows,
  examples: Examples,
  threads: number,
): Promise<Metrics> {
  const scores = await model.score(rows, { threads });
  const task = examples.task === "regression" ? "regression" : "binary";
  return metricsOf(task, scores, rows.labels, { clip: examples.labelRange, weights: rows.weights });
}

/** Metrics of the validation split by row, or of ranked items by user. */
export async function validationByUnit(
  model: Scorer,
  { valid, ranking, task: given, labelRange: clip }: Examples,
  threads: number,
  signal: AbortSignal,
): Promise<readonly UserMetric[]> {
  if (ranking) return await rankingByUser(model, ranking, threads, signal);
  if (!valid) return [];
  const { labels, weights, numRows: size } = valid;
  const task = given === "regression" ? "regression" : "binary";
  const units = { kind: "row" as const, size, of: ascending(size) };
  const scores = await model.score(valid, { threads });
  return scoredMetrics(task, scores, labels, units, { bins: 1, clip, weights }).byUser;
}
