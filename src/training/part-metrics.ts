// The metrics of a training's parts.

import type { FeatureRows } from "../dataset/rows.js";
import type { Metrics } from "../embedding/manifest.js";
import { metricsOf } from "../evaluation/metrics.js";
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
