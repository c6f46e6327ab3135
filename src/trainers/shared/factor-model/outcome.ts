// Warnings about a factorization machine after training, from its metrics on the validation split.

import { titleOf } from "../../../metrics/metrics.js";
import { listMetric } from "../../../training/shared-options/passes.js";
import { vectorAdvice } from "../../../training/warnings/vectors-add.js";
import type { Outcome } from "../../../training/session/feature-plan.js";
import {
  constantWarnings,
  tableWarnings,
  unfinishedWarnings,
  UNJUDGED_TABLE,
  vectorWarnings,
} from "../../../training/warnings/outcome-warnings.js";
import type { FeatureOptions } from "../../../training/session/feature-training.js";
import type { FeatureSpace } from "../../../dataset/vocabulary/vocabulary.js";

const CONSTANT_ADVICE =
  "Try a larger --l2-vector and --l2-weight, a --min-count above 1, or --ignore for columns whose keys " +
  "rarely repeat, and check that the label has the same meaning in that split";

/**
 * Returns sentences for the summary.
 *
 * @param isChain true if the epochs form a Markov chain, which does not improve from epoch to epoch
 * @param constantAdvice advice for a model that is worse than a constant prediction
 */
export function factorOutcome(
  { trained, metrics, examples, options, stoppingMetric, vectorsAdd }: Outcome<FeatureOptions>,
  { isChain = false, constantAdvice = CONSTANT_ADVICE } = {},
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
      ? constantWarnings(metrics["valid"], valid, constantAdvice, options.patience)
      : [];
  const vectors = vectorWarnings(vectorsAdd, vectorAdvice(examples));
  return [...unfinished, ...constant, ...vectors, ...byTable];
}

/** Standard deviation of the initial scores above which a training rarely converges to a useful model. */
const LARGE_SCORE = 2;
/** Variance of an element of an initial vector, which is uniform between -0.05 and 0.05. */
const FIRST_VARIANCE = 0.05 ** 2 / 3;

/**
 * Warns if rows have so many fields that the sum of small initial vectors gives unusable scores.
 *
 * @param instead additional advice: `--model linear`
 */
export function widthWarnings(
  { fields }: FeatureSpace,
  { dim }: { dim: number },
  instead?: string,
): string[] {
  const advice = instead === undefined ? " or a smaller --dim" : `, a smaller --dim, or ${instead}`;
  const pairs = (fields.length * (fields.length - 1)) / 2;
  const deviation = FIRST_VARIANCE * Math.sqrt(pairs * dim);
  if (deviation <= LARGE_SCORE) return [];
  return [
    `rows have ${fields.length} fields, whose pairwise terms give initial scores of about ` +
      `±${deviation.toFixed(0)}: use fewer fields (--fields, --ignore)${advice}`,
  ];
}
