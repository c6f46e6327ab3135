// Scores and labels → metrics, under the names that scripts rely on (docs/cli.md). Losses are in nats.
//
// A metric that its input does not define is left out, never NaN: no rows, no metrics; one class only, no auc and no
// normalizedEntropy; no positive label, no calibration.

import { DivergedError } from "../errors.js";
import { auc, type Scores } from "./auc.js";
import { log } from "../kernels/reference/exp.js";
import { logistic, softplus } from "./elementary.js";

/**
 * Every metric that fits the task.
 *
 * @param task  binary: scores are log-odds and labels 0 or 1; regression: both are of the label's unit
 * @param clip  regression: scores are first clipped to this range, the training labels' (as libFM does)
 * @returns binary: logLoss, normalizedEntropy, auc, calibration; regression: rmse, mae
 * @throws {DivergedError} a score is NaN or infinite
 */
export function metricsOf(
  task: "binary" | "regression",
  scores: Scores,
  labels: Float32Array,
  clip?: { min: number; max: number },
): Record<string, number> {
  for (let i = 0; i < scores.length; i++) {
    if (!Number.isFinite(scores[i]!)) throw new DivergedError(`the score of row ${i + 1} is ${scores[i]}`);
  }
  if (task === "regression") {
    const clipped = clip ? scores.map((score) => Math.min(Math.max(score, clip.min), clip.max)) : scores;
    return defined({ rmse: rmse(clipped, labels), mae: mae(clipped, labels) });
  }
  const loss = logLoss(scores, labels);
  return defined({
    logLoss: loss,
    normalizedEntropy: normalizedEntropy(loss, labels),
    auc: auc(scores, labels),
    calibration: calibration(scores, labels),
  });
}

/**
 * Mean logistic loss of log-odds: no clipping is needed, since it is finite for every finite score.
 *
 * @param scores log-odds[n]
 * @param labels f32[n], 0 or 1
 * @returns nats, >= 0; NaN without rows
 */
export function logLoss(scores: Scores, labels: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += softplus(labels[i]! > 0 ? -scores[i]! : scores[i]!);
  return sum / scores.length;
}

/**
 * Mean log loss of probabilities, which are clipped to [1e-15, 1 - 1e-15]: a wrong certainty costs 34.5 nats, not infinity.
 *
 * @param probabilities [n], in [0, 1]
 * @param labels f32[n], 0 or 1
 * @returns nats, >= 0; NaN without rows
 */
export function logLossOfProbabilities(probabilities: Scores, labels: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < probabilities.length; i++) {
    const p = Math.min(Math.max(probabilities[i]!, 1e-15), 1 - 1e-15);
    sum -= log(labels[i]! > 0 ? p : 1 - p);
  }
  return sum / probabilities.length;
}

/**
 * A log loss over the entropy of the labels' own base rate: below 1 is better than always predicting that rate.
 *
 * Source: He et al. 2014 (doi:10.1145/2648584.2648589), eq. 1.
 *
 * @returns unitless, >= 0; NaN when a class is missing
 */
export function normalizedEntropy(loss: number, labels: Float32Array): number {
  const rate = meanOf(labels);
  if (!(rate > 0 && rate < 1)) return Number.NaN;
  return loss / -(rate * log(rate) + (1 - rate) * log(1 - rate));
}

/**
 * Mean predicted over mean observed: 1 is calibrated, above it events are promised that did not come.
 *
 * @param scores log-odds[n]
 * @returns unitless, >= 0; NaN when no label is 1
 */
export function calibration(scores: Scores, labels: Float32Array): number {
  let predicted = 0;
  for (let i = 0; i < scores.length; i++) predicted += logistic(scores[i]!);
  const observed = meanOf(labels);
  return observed > 0 ? predicted / scores.length / observed : Number.NaN;
}

/** The root of the mean squared error, in the label's unit; NaN without rows. */
export function rmse(scores: Scores, labels: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    const error = scores[i]! - labels[i]!;
    sum += error * error;
  }
  return Math.sqrt(sum / scores.length);
}

/** The mean absolute error, in the label's unit; NaN without rows. */
export function mae(scores: Scores, labels: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += Math.abs(scores[i]! - labels[i]!);
  return sum / scores.length;
}

function meanOf(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

function defined(metrics: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => !Number.isNaN(value)));
}
