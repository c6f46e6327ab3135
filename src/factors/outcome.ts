// What the validation part says of a factorization machine whose training has ended.

import type { Metrics } from "../embedding/manifest.js";
import { titleOf } from "../evaluation/metric-titles.js";
import { listMetric } from "../training/options/lists.js";
import type { StoppingMetric } from "../training/controls.js";
import type { Examples } from "../training/examples.js";
import {
  constantWarnings,
  tableWarnings,
  unfinishedWarnings,
  UNJUDGED_TABLE,
  vectorWarnings,
} from "../training/outcome-warnings.js";
import { metricsOfRows } from "../training/part-metrics.js";
import type { Trained } from "../training/trained.js";

/** For a machine that is worse than a constant. */
const CONSTANT_ADVICE =
  "Try a larger --l2-vector and --l2-weight, a --min-count above 1, or --ignore for columns whose keys " +
  "rarely repeat, and check that the label has the same meaning in that split";

/** Sentences for the summary. @param metrics of all parts @param how.isChain it does not get better from epoch to epoch */
export async function factorOutcome(
  model: Trained,
  metrics: Record<string, Metrics>,
  examples: Examples,
  how: { epochs: number; threads: number; patience: number; isChain?: boolean },
  stoppingMetric: StoppingMetric | undefined,
): Promise<string[]> {
  const { valid, ranking } = examples;
  const { epochs, bestEpoch: best, interrupted, scoreByWeights } = model;
  const name = ranking ? listMetric(ranking.options) : (stoppingMetric?.name ?? "validLoss");
  const course = {
    values: epochs.flatMap((event) => (event as unknown as Record<string, number | undefined>)[name] ?? []),
    better: ranking ? "higher" : (stoppingMetric?.better ?? "lower"),
    name: name === "validLoss" ? "loss" : titleOf(name),
    ...{ done: epochs.length, most: how.epochs, flag: "--epochs", best },
  } as const;
  const unfinished = interrupted || how.isChain ? [] : unfinishedWarnings(course);
  const notEvaluated =
    model.scoreByTable !== undefined && model.loss === "logistic" && !valid && !examples.test;
  const byTable = notEvaluated ? [UNJUDGED_TABLE] : tableWarnings(metrics, valid !== undefined);
  if (!valid || !metrics["valid"]) return [...unfinished, ...byTable];
  const constant = constantWarnings(metrics["valid"], valid, CONSTANT_ADVICE, how.patience);
  const alone =
    scoreByWeights && (await metricsOfRows({ score: scoreByWeights }, valid, examples, how.threads));
  const vectors = alone && constant.length === 0 ? vectorWarnings(metrics["valid"], alone) : [];
  return [...unfinished, ...constant, ...vectors, ...byTable];
}
