// What trees are worth on the parts of a log, and with a head also what it, and a logistic regression without trees, is worth.

import type { Metrics } from "../embedding/manifest.js";
import { metricsOf } from "../evaluation/metrics.js";
import { headScores, type Head } from "../trainers/gbdt/head.js";
import { scoresOf } from "../trainers/gbdt/scorer.js";
import { unknownCategories } from "../trainers/gbdt/unknown.js";
import type { Part } from "./examples.js";
import type { GrownForest } from "./gbdt-forest.js";
import { scoresWithoutTrees } from "./gbdt-head.js";
import type { LabelledPart, Target } from "./gbdt-target.js";

/** A head with the rows that it was fitted on. */
export interface FittedHead {
  head: Head;
  rows: LabelledPart;
  iterations: number;
}

/** A held-out part by name. */
type HeldOut = Record<string, Part | undefined>;

/**
 * The metrics of the training part, as boosting left it, and of the held-out parts.
 *
 * @param note hears of categories that training has not seen
 */
export async function judgeForest(
  grown: GrownForest,
  fitted: FittedHead | undefined,
  target: Target,
  heldOut: HeldOut,
  labelledPart: (part: Part) => LabelledPart,
  threads: number,
  note: (text: string) => void,
): Promise<Record<string, Metrics>> {
  const { forest, features, vocabularies, events } = grown;
  const { task, labelRange } = target;
  const metrics: Record<string, Metrics> = {};
  const last = events[forest.trees.length - 1];
  if (last)
    metrics["train"] = task === "binary" ? { logLoss: last.trainLoss } : { rmse: Math.sqrt(last.trainLoss) };
  for (const [name, part] of Object.entries(heldOut)) {
    if (!part) continue;
    for (const text of unknownCategories(part.dataset, vocabularies, part.rows)) note(`${name}: ${text}`);
    const { labels, weights } = labelledPart(part);
    const judge = (scores: Float64Array): Metrics =>
      metricsOf(task, scores, labels, {
        clip: { min: labelRange[0], max: labelRange[1] },
        ...(weights && { weights }),
      });
    const ofTrees = judge(await scoresOf(forest, part.dataset, part.rows, vocabularies, threads));
    if (!fitted) {
      metrics[name] = ofTrees;
      continue;
    }
    metrics[name] = judge(await headScores(fitted.head, forest, vocabularies, part, threads));
    metrics[`${name}Trees`] = ofTrees;
    metrics[`${name}Lr`] = judge(scoresWithoutTrees(features, fitted.rows, part, fitted.iterations));
  }
  return metrics;
}
