// What the validation part says of a factorization machine whose training has ended.

import { titleOf } from "../evaluation/metrics.js";
import { listMetric } from "../training/options/lists.js";
import { vectorAdvice } from "../training/warnings/vectors-add.js";
import type { Outcome } from "../training/session/feature-plan.js";
import {
  constantWarnings,
  tableWarnings,
  unfinishedWarnings,
  UNJUDGED_TABLE,
  vectorWarnings,
} from "../training/warnings/outcome-warnings.js";
import type { FeatureOptions } from "../training/session/feature-training.js";

/** For a machine that is worse than a constant. */
const CONSTANT_ADVICE =
  "Try a larger --l2-vector and --l2-weight, a --min-count above 1, or --ignore for columns whose keys " +
  "rarely repeat, and check that the label has the same meaning in that split";

/** Sentences for the summary. @param isChain the training does not get better from epoch to epoch */
export function factorOutcome(
  { trained, metrics, examples, options, stoppingMetric, vectorsAdd }: Outcome<FeatureOptions>,
  isChain = false,
): string[] {
  const { valid, ranking } = examples;
  const { epochs, bestEpoch: best, interrupted } = trained;
  const name = ranking ? listMetric(ranking.options) : (stoppingMetric?.name ?? "validLoss");
  const course = {
    values: epochs.flatMap((event) => (event as unknown as Record<string, number | undefined>)[name] ?? []),
    better: ranking ? "higher" : (stoppingMetric?.better ?? "lower"),
    name: name === "validLoss" ? "loss" : titleOf(name),
    ...{ done: epochs.length, most: options.epochs, flag: "--epochs", best },
  } as const;
  const unfinished = interrupted || isChain ? [] : unfinishedWarnings(course);
  const notEvaluated =
    trained.scoreByTable !== undefined && trained.loss === "logistic" && !valid && !examples.test;
  const byTable = notEvaluated ? [UNJUDGED_TABLE] : tableWarnings(metrics, valid !== undefined);
  const constant =
    valid && metrics["valid"]
      ? constantWarnings(metrics["valid"], valid, CONSTANT_ADVICE, options.patience)
      : [];
  const vectors = vectorWarnings(vectorsAdd, vectorAdvice(examples));
  return [...unfinished, ...constant, ...vectors, ...byTable];
}
