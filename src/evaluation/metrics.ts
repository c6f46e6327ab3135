// Scores and labels → metrics, under the names that scripts rely on (docs/cli.md). Losses are in nats.
//
// A metric that its input does not define is left out, never NaN: no rows, no metrics; one class only, no auc and no
// normalizedEntropy; no positive label, no calibration.

import { DivergedError } from "../errors.js";
import { auc, type Scores } from "./auc.js";
import { exp, log, logistic, softplus } from "../numeric/exp.js";

/** How metrics are taken. */
export interface MetricOptions {
  /** regression: scores are first clipped to this range, the training labels' (as libFM does) */
  clip?: readonly [low: number, high: number];
  /** f32[n]: what each row counts; 1 when absent */
  weights?: Float32Array | undefined;
}

/**
 * Every metric that fits the task.
 *
 * @param task  binary: scores are log-odds and labels 0 or 1; regression: both are of the label's unit
 * @returns binary: logLoss, normalizedEntropy, auc, calibration; regression: rmse, mae
 * @throws {DivergedError} a score is NaN or infinite
 */
export function metricsOf(
  task: "binary" | "regression",
  scores: Scores,
  labels: Float32Array,
  { clip, weights }: MetricOptions = {},
): Record<string, number> {
  for (let i = 0; i < scores.length; i++) {
    if (!Number.isFinite(scores[i]!)) throw new DivergedError(`the score of row ${i + 1} is ${scores[i]}`);
  }
  if (task === "regression") {
    const clipped = clip ? scores.map((score) => Math.min(Math.max(score, clip[0]), clip[1])) : scores;
    return defined({ rmse: rmse(clipped, labels, weights), mae: mae(clipped, labels, weights) });
  }
  const loss = logLoss(scores, labels, weights);
  return defined({
    logLoss: loss,
    normalizedEntropy: normalizedEntropy(loss, labels, weights),
    auc: auc(scores, labels, weights),
    calibration: calibration(scores, labels, weights),
  });
}

/**
 * Metrics of scores for several classes.
 *
 * @param scores f64[n][numClasses], before the softmax
 * @param labels f32[n]: the number of each row's class
 * @returns multiLogLoss: the mean of log sum exp(s_k) - s_y, in nats; multiError: the share of rows whose greatest score is another
 *   class's; of equal scores the first class counts
 * @throws {DivergedError} a score is NaN or infinite
 */
export function multiclassMetrics(
  scores: Float64Array,
  numClasses: number,
  labels: Float32Array,
  weights?: Float32Array,
): Record<string, number> {
  const of = (row: number) => scores.subarray(row * numClasses, (row + 1) * numClasses);
  const losses = multiclassLosses(scores, numClasses, labels);
  const isWrong = (row: number): number => {
    const own = of(row);
    return own.indexOf(own.reduce((a, b) => Math.max(a, b))) === labels[row] ? 0 : 1;
  };
  return defined({
    multiLogLoss: meanOf(labels.length, (row) => losses[row]!, weights),
    multiError: meanOf(labels.length, isWrong, weights),
  });
}

/** f64[n]: log sum exp(s_k) - s_y of each row, in nats. @throws {DivergedError} a score is NaN or infinite */
export function multiclassLosses(
  scores: Float64Array,
  numClasses: number,
  labels: Float32Array,
): Float64Array {
  return Float64Array.from(labels, (label, row) => {
    const own = scores.subarray(row * numClasses, (row + 1) * numClasses);
    const most = own.reduce((a, b) => Math.max(a, b));
    const total = own.reduce((sum, score) => sum + exp(score - most), 0);
    const value = log(total) + most - own[label]!;
    if (!Number.isFinite(value))
      throw new DivergedError(`the scores of row ${row + 1} are ${own.join(", ")}`);
    return value;
  });
}

/** The weighted mean of a value a row; NaN without rows. */
function meanOf(n: number, valueOf: (row: number) => number, weights: Float32Array | undefined): number {
  let [sum, total] = [0, 0];
  for (let i = 0; i < n; i++) {
    const weight = weights ? weights[i]! : 1;
    sum += weight * valueOf(i);
    total += weight;
  }
  return sum / total;
}

/**
 * Mean logistic loss of log-odds: no clipping is needed, since it is finite for every finite score.
 *
 * @param scores log-odds[n]
 * @param labels f32[n], 0 or 1
 * @returns nats, >= 0; NaN without rows
 */
export function logLoss(scores: Scores, labels: Float32Array, weights?: Float32Array): number {
  return meanOf(scores.length, (i) => softplus(labels[i]! > 0 ? -scores[i]! : scores[i]!), weights);
}

/**
 * Mean log loss of probabilities, which are clipped to [1e-15, 1 - 1e-15]: a wrong certainty costs 34.5 nats, not infinity.
 *
 * @param probabilities [n], in [0, 1]
 * @param labels f32[n], 0 or 1
 * @returns nats, >= 0; NaN without rows
 */
export function logLossOfProbabilities(probabilities: Scores, labels: Float32Array): number {
  const lossOf = (i: number) => {
    const p = Math.min(Math.max(probabilities[i]!, 1e-15), 1 - 1e-15);
    return -log(labels[i]! > 0 ? p : 1 - p);
  };
  return meanOf(probabilities.length, lossOf, undefined);
}

/**
 * A log loss over the entropy of the labels' own base rate: below 1 is better than always predicting that rate.
 *
 * Source: He et al. 2014 (doi:10.1145/2648584.2648589), eq. 1.
 *
 * @returns unitless, >= 0; NaN when a class is missing
 */
export function normalizedEntropy(loss: number, labels: Float32Array, weights?: Float32Array): number {
  const rate = meanOf(labels.length, (i) => labels[i]!, weights);
  if (!(rate > 0 && rate < 1)) return Number.NaN;
  return loss / -(rate * log(rate) + (1 - rate) * log(1 - rate));
}

/**
 * Mean predicted over mean observed: 1 is calibrated, above it events are promised that did not come.
 *
 * @param scores log-odds[n]
 * @returns unitless, >= 0; NaN when no label is 1
 */
export function calibration(scores: Scores, labels: Float32Array, weights?: Float32Array): number {
  const predicted = meanOf(scores.length, (i) => logistic(scores[i]!), weights);
  const observed = meanOf(labels.length, (i) => labels[i]!, weights);
  return observed > 0 ? predicted / observed : Number.NaN;
}

/** The root of the mean squared error, in the label's unit; NaN without rows. */
export function rmse(scores: Scores, labels: Float32Array, weights?: Float32Array): number {
  return Math.sqrt(meanOf(scores.length, (i) => (scores[i]! - labels[i]!) ** 2, weights));
}

/** The mean absolute error, in the label's unit; NaN without rows. */
export function mae(scores: Scores, labels: Float32Array, weights?: Float32Array): number {
  return meanOf(scores.length, (i) => Math.abs(scores[i]! - labels[i]!), weights);
}

function defined(metrics: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => !Number.isNaN(value)));
}
