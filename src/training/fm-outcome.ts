// What the validation part says of a factorization machine whose training has ended.

import type { Metrics } from "../embedding/manifest.js";
import { titleOf } from "../evaluation/metric-titles.js";
import type { Judge } from "./controls.js";
import type { FmOptions } from "../trainers/fm/options.js";
import type { Trained } from "./trained.js";
import type { Examples } from "./examples.js";
import {
  constantWarnings,
  tableWarnings,
  unfinishedWarnings,
  UNJUDGED_TABLE,
  vectorWarnings,
} from "./outcome-warnings.js";
import { metricsOfRows } from "./part-metrics.js";

/** For a machine that is worse than a constant. */
const CONSTANT_ADVICE =
  "Try a greater --l2-vector and --l2-weight or a --min-count above 1, --ignore columns of keys that hardly repeat, " +
  "and see whether the label means the same in that part";

/** Sentences for the summary. @param metrics of all parts */
export async function fmOutcomeWarnings(
  model: Trained,
  metrics: Record<string, Metrics>,
  examples: Examples,
  fm: FmOptions,
  judge: Judge | undefined,
): Promise<string[]> {
  const { valid, ranking } = examples;
  const { epochs, bestEpoch: best, interrupted, scoreByWeights } = model;
  const { metric, k } = ranking?.options ?? {};
  const name = ranking ? `${metric!}At${k!}` : (judge?.name ?? "validLoss");
  const course = {
    values: epochs.flatMap((event) => (event as unknown as Record<string, number | undefined>)[name] ?? []),
    better: ranking ? "higher" : (judge?.better ?? "lower"),
    name: name === "validLoss" ? "loss" : titleOf(name),
    ...{ done: epochs.length, most: fm.epochs, flag: "--epochs", best },
  } as const;
  // a chain does not get better from epoch to epoch
  const unfinished = interrupted || fm.method === "mcmc" ? [] : unfinishedWarnings(course);
  const isUnjudged =
    model.scoreByTable !== undefined && model.loss === "logistic" && !valid && !examples.test;
  const byTable = isUnjudged ? [UNJUDGED_TABLE] : tableWarnings(metrics, valid !== undefined);
  if (!valid || !metrics["valid"]) return [...unfinished, ...byTable];
  const constant = constantWarnings(metrics["valid"], valid, CONSTANT_ADVICE, fm.patience);
  const alone =
    scoreByWeights && (await metricsOfRows({ score: scoreByWeights }, valid, examples, fm.threads));
  const vectors = alone && constant.length === 0 ? vectorWarnings(metrics["valid"], alone) : [];
  return [...unfinished, ...constant, ...vectors, ...byTable];
}
