// What trees are worth on the parts of a log, and with a head also what it, and a logistic regression without trees, is worth.

import type { Metrics } from "../../embedding/manifest.js";
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

function ofTraining({ task }: Prediction, loss: number): Metrics {
  if (task === "regression") return { rmse: Math.sqrt(loss) };
  return task === "binary" ? { logLoss: loss } : { multiLogLoss: loss };
}
