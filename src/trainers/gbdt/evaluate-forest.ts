// What trees are worth on the parts of a log, and with a head also what it, and a logistic regression without trees, is worth.

import type { Metrics } from "../../embedding/manifest.js";
import { scoredMetrics } from "../../evaluation/scored-metrics.js";
import type { UserMetric } from "../../evaluation/user-metric.js";
import { ascending } from "../../numeric/indices.js";
import { headScores } from "./head.js";
import { scoresOf } from "./scorer.js";
import { unknownCategories } from "./unknown.js";
import type { Part } from "../../training/examples.js";
import { scoresWithoutTrees } from "./head-of-leaves.js";
import type { FittedModel } from "./fit.js";
import { targetMetrics, type Prediction } from "./target.js";

/** A held-out part by name. */
type HeldOut = Record<string, Part | undefined>;

/**
 * The metrics of the training part, as boosting left it, and of the held-out parts.
 *
 * @param note hears of categories that training has not seen
 */
export async function evaluateForest(
  { grown, fitted, weighed }: FittedModel,
  target: Prediction,
  heldOut: HeldOut,
  threads: number,
  note: (text: string) => void,
): Promise<Record<string, Metrics>> {
  const { forest, features, vocabularies, trainLoss } = grown;
  const metrics: Record<string, Metrics> = {};
  if (trainLoss !== undefined) metrics["train"] = ofTraining(target, trainLoss);
  for (const [name, part] of Object.entries(heldOut)) {
    if (!part) continue;
    for (const text of unknownCategories(part.dataset, vocabularies, part.rows)) note(`${name}: ${text}`);
    const own = weighed(part);
    const left = part.rows.length - own.rows.length;
    if (left > 0) note(`${name}: skipped ${left} rows with classes not seen in training`);
    const evaluated = (scores: Float64Array): Metrics => targetMetrics(target, scores, own);
    const ofTrees = evaluated(await scoresOf(forest, own.dataset, own.rows, vocabularies, threads));
    if (!fitted) {
      metrics[name] = ofTrees;
      continue;
    }
    metrics[name] = evaluated(await headScores(fitted.head, forest, vocabularies, own, threads));
    metrics[`${name}Trees`] = ofTrees;
    metrics[`${name}Lr`] = evaluated(scoresWithoutTrees(features, fitted.rows, own, fitted.iterations));
  }
  return metrics;
}

/** Metrics of the validation part by row; none of several classes. */
export async function validationByRow(
  { grown: { forest, vocabularies }, fitted, weighed }: FittedModel,
  { task, labelRange }: Prediction,
  part: Part | undefined,
  threads: number,
): Promise<readonly UserMetric[]> {
  if (!part || task === "multiclass") return [];
  const { dataset, rows, labels, weights } = weighed(part);
  const scores = fitted
    ? await headScores(fitted.head, forest, vocabularies, { dataset, rows }, threads)
    : await scoresOf(forest, dataset, rows, vocabularies, threads);
  const units = { kind: "row" as const, size: rows.length, of: ascending(rows.length) };
  return scoredMetrics(task, scores, labels, units, { bins: 1, clip: labelRange, weights }).byUser;
}

function ofTraining({ task }: Prediction, loss: number): Metrics {
  if (task === "regression") return { rmse: Math.sqrt(loss) };
  return task === "binary" ? { logLoss: loss } : { multiLogLoss: loss };
}
