// Measures trees on the splits of a log. If there is a head, a logistic regression on the leaves, it also measures the
// trees without the head, and a logistic regression without trees.

import type { Forest } from "./forest/forest.js";
import type { Metrics, VectorsAdd } from "../../table/manifest.js";
import { multiclassLosses } from "../../metrics/metrics.js";
import { vectorsAddOf } from "../../metrics/vectors-add.js";
import { log } from "../../base/numeric/exp.js";
import { lossByRow } from "../../training/warnings/vectors-add.js";
import { scoredMetrics } from "../../metrics/scored-metrics.js";
import type { UserMetric } from "../../metrics/user-metric.js";
import { ascending, mapTo } from "../../base/numeric/indices.js";
import { modelScores, scoresWithoutTrees } from "./leaf-heads/head.js";
import { unknownCategories } from "./run.js";
import type { Part } from "../../training/examples/examples.js";
import type { FittedModel } from "./fit.js";
import { targetMetrics, type LabelledPart, type Prediction } from "./target.js";
import type { GbdtOptions } from "./options.js";
import {
  constantWarnings,
  unfinishedWarnings,
  vectorWarnings,
} from "../../training/warnings/outcome-warnings.js";

/** Whether no tree has a split, so that all rows have the same score. */
const isConstant = ({ trees }: Forest): boolean => trees.every(({ nodes }) => nodes.length === 0);

/** Metrics of the training split are from boosting's loss, or of the constant. */
export async function evaluateForest(
  { grown, fitted, weighed }: FittedModel,
  target: Prediction,
  heldOut: Record<string, Part | undefined>,
  threads: number,
  note: (text: string) => void,
  train: Part,
): Promise<{ metrics: Record<string, Metrics>; vectorsAdd?: VectorsAdd | undefined }> {
  const { forest, features, vocabularies, trainLoss } = grown;
  const metrics: Record<string, Metrics> = {};
  let vectorsAdd: VectorsAdd | undefined;
  if (trainLoss !== undefined) metrics["train"] = ofTraining(target, trainLoss);
  else if (isConstant(forest)) {
    const rows = weighed(train);
    metrics["train"] = targetMetrics(
      target,
      await modelScores({ forest, vocabularies }, rows, threads),
      rows,
    );
  }
  for (const [name, part] of Object.entries(heldOut)) {
    if (!part) continue;
    for (const text of unknownCategories(part.dataset, vocabularies, part.rows)) note(`${name}: ${text}`);
    const own = weighed(part);
    const left = part.rows.length - own.rows.length;
    if (left > 0) note(`${name}: skipped ${left} rows with classes not seen in training`);
    const evaluated = (scores: Float64Array): Metrics => targetMetrics(target, scores, own);
    const trees = await modelScores({ forest, vocabularies }, own, threads);
    const model = fitted ? await modelScores({ ...grown, head: fitted.head }, own, threads) : trees;
    if (name === "valid")
      vectorsAdd = addedByLeaves(target, own, { model, trees: fitted && trees }, weighed(train));
    metrics[name] = evaluated(model);
    if (!fitted) continue;
    metrics[`${name}Trees`] = evaluated(trees);
    metrics[`${name}Lr`] = evaluated(scoresWithoutTrees(features, fitted.rows, own));
  }
  return { metrics, vectorsAdd };
}

/** Compares a head with the sums of leaf values, and trees alone with the mean label of the training rows. */
function addedByLeaves(
  { task, classes, labelRange }: Prediction,
  part: LabelledPart,
  scores: { model: Float64Array; trees?: Float64Array | undefined },
  train: LabelledPart,
): VectorsAdd | undefined {
  const { labels, weights } = part;
  const byRow = (of: Float64Array): UserMetric => {
    if (task !== "multiclass")
      return lossByRow(of, part, task === "regression" ? "squared" : "logistic", labelRange);
    const losses = multiclassLosses(of, classes!.length, labels);
    const sums = weights ? losses.map((loss, r) => loss * weights[r]!) : losses;
    return { name: "multiLogLoss", sums, weights: weights && Float64Array.from(weights) };
  };
  const constant = () => {
    const one = meanLabelScores(task, classes?.length, train);
    return mapTo(Float64Array, { length: labels.length * one.length }, (_, i) => one[i % one.length]!);
  };
  const control = scores.trees ? "leaf values" : "mean label";
  const alone = byRow(scores.trees ?? constant());
  return vectorsAddOf({ control, units: "rows", model: byRow(scores.model), alone });
}

/** The best constant scores, one per class or a single one. */
function meanLabelScores(
  task: Prediction["task"],
  numClasses: number | undefined,
  { labels, weights }: LabelledPart,
): number[] {
  const totals = new Float64Array(numClasses ?? 2);
  let [sum, all] = [0, 0];
  labels.forEach((label, r) => {
    const weight = weights ? weights[r]! : 1;
    if (task !== "regression") totals[label]! += weight;
    sum += weight * label;
    all += weight;
  });
  if (task === "regression") return [sum / all];
  return task === "binary" ? [log(totals[1]! / totals[0]!)] : Array.from(totals, log);
}

/** None if there are several classes. */
export async function validationByRow(
  { grown, fitted, weighed }: FittedModel,
  { task, labelRange }: Prediction,
  part: Part | undefined,
  threads: number,
): Promise<readonly UserMetric[]> {
  if (!part || task === "multiclass") return [];
  const own = weighed(part);
  const { labels, weights } = own;
  const scores = await modelScores({ ...grown, head: fitted?.head }, own, threads);
  const units = { kind: "row" as const, size: labels.length, of: ascending(labels.length) };
  return scoredMetrics(task, scores, labels, units, { bins: 1, clip: labelRange, weights }).byUser;
}

function ofTraining({ task }: Prediction, loss: number): Metrics {
  if (task === "regression") return { rmse: Math.sqrt(loss) };
  return task === "binary" ? { logLoss: loss } : { multiLogLoss: loss };
}

const CONSTANT_ADVICE =
  "Try a larger --min-data-in-leaf or --lambda-l2, or fewer --num-leaves, and check that the label has the " +
  "same meaning in that split";

const HEAD_ADVICE = "Omit --head: the values of the leaves predict as well, or try a larger --head-l2";

export function forestOutcomeWarnings(
  { grown: { forest, epochs, bestEpoch, interrupted }, fitted, weighed }: FittedModel,
  metrics: Record<string, Metrics>,
  vectorsAdd: VectorsAdd | undefined,
  valid: Part | undefined,
  { numTrees, patience }: GbdtOptions,
): string[] {
  if (isConstant(forest))
    return [
      "no split has a gain and enough rows on both sides, so the forest is a constant: try a smaller --min-data-in-leaf",
    ];
  if (!valid) return [];
  // with several forests (--cross-fit), `epochs` contains those of all forests, which is not the course of one training
  const isOne = epochs.length <= numTrees;
  const course = {
    values: epochs.flatMap(({ validLoss }) => validLoss ?? []),
    better: "lower",
    name: "loss",
    ...{ done: epochs.length, most: numTrees, flag: "--num-trees", best: bestEpoch },
  } as const;
  const ofTrees = metrics[fitted ? "validTrees" : "valid"]!;
  const constant = constantWarnings(ofTrees, weighed(valid), CONSTANT_ADVICE, patience);
  return [
    ...(isOne && !interrupted ? unfinishedWarnings(course) : []),
    ...constant,
    // without a head (logistic regression on leaves), predictions are compared with the mean label, and `constant`
    // already warns about predictions that are worse than the mean
    ...(constant.length === 0 || fitted
      ? vectorWarnings(vectorsAdd, fitted ? HEAD_ADVICE : CONSTANT_ADVICE)
      : []),
  ];
}
