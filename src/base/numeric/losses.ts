// Losses of one row and their derivatives with respect to the score, in f64.

import { exp, log } from "./exp.js";

/** Returns the loss of a score: the logistic loss in nats, or the squared loss. */
export function rowLoss(loss: "logistic" | "squared", score: number, label: number): number {
  if (loss === "squared") return (score - label) ** 2;
  return Math.max(score, 0) - label * score + log(1 + exp(-Math.abs(score)));
}

/** Returns the first and second derivative of a row's loss with respect to its score. */
export function gradient(score: number, label: number, squared: boolean): { g: number; h: number } {
  if (squared) return { g: score - label, h: 1 };
  const p = 1 / (1 + exp(-score));
  return { g: p - label, h: p * (1 - p) };
}

/**
 * Returns the derivatives of a row's softmax loss with respect to the score of each class. Second derivatives are
 * multiplied by K / (K - 1), as in LightGBM.
 */
export function softmaxGradient(scores: readonly number[], label: number): { g: number; h: number }[] {
  const most = Math.max(...scores);
  const exps = scores.map((score) => exp(score - most));
  const total = exps.reduce((a, b) => a + b);
  const factor = scores.length / (scores.length - 1);
  return exps.map((e, k) => {
    const p = e / total;
    return { g: p - (k === label ? 1 : 0), h: factor * p * (1 - p) };
  });
}
