// Updates one coordinate of a factorization machine: sets it to its minimizer, or draws it from its posterior. The
// definition of correct for assembly/main.ts.
//
//   score is linear in each parameter t:   score = g + h t,   h = x (q - x t) for a vector's number, x for a weight
//
// Source: Rendle 2012 (10.1145/2168752.2168771), eq. 13 and 24; draws are over-relaxed, Adler 1981
// (10.1103/PhysRevD.23.2901).

import { log } from "../../../base/numeric/exp.js";
import { featureKey } from "../../../base/numeric/initial.js";
import { rowLoss } from "../../../base/numeric/losses.js";
import { normalCdf, normalDraw, uniform } from "../../../base/numeric/normal.js";
import { tailDraw, tailMean } from "../../../base/numeric/normal-tail.reference.js";
import { polyaGammaDraw, polyaGammaMean } from "../../../base/numeric/polya-gamma.reference.js";
import { draw } from "../../../base/numeric/random.js";

/** Over-relaxation factor: the center of a draw is mean - RELAXATION (old value - mean); 0 is plain Gibbs sampling. */
const RELAXATION = 0.8;
/**
 * sqrt(1 - RELAXATION^2): scale of a draw's random part, so that the posterior is the chain's stationary distribution.
 */
const CHANCE = 0.6;

/**
 * alpha: precision of the labels around the score; lambda and mu: precision and mean of the parameter's normal prior.
 */
export interface CoordinatePrior {
  alpha: number;
  lambda: number;
  mu: number;
}

/**
 * For every row: e (score minus target), q (sum of x v in the current dimension) and the precision of the target (1
 * when absent).
 */
export interface Residuals {
  e: Float64Array;
  q: Float64Array;
  precisions?: ArrayLike<number>;
}

/** An occurrence of a feature: a row that has the feature, and the feature's value in this row. */
export type Occurrence = { row: number; x: number };

/**
 * Updates one parameter, and adapts the errors e and the sums q of x v of the rows that have its feature.
 *
 * @param key random key of the draw from the posterior of t given all other parameters; 0 returns the minimizer of
 *   alpha / 2 sum e^2 + lambda / 2 (t - mu)^2 instead
 * @returns the new value
 */
export function referenceCoordinate(
  occurrences: readonly Occurrence[],
  { e, q, precisions }: Residuals,
  old: number,
  linear: boolean,
  { alpha, lambda, mu }: CoordinatePrior,
  key: number,
): number {
  const gradientOf = ({ row, x }: Occurrence) => (linear ? x : x * (q[row]! - x * old));
  let [he, hh] = [0, 0];
  for (const occurrence of occurrences) {
    const h = gradientOf(occurrence);
    const p = precisions ? precisions[occurrence.row]! : 1;
    he += p * h * e[occurrence.row]!;
    hh += p * h * h;
  }
  const precision = lambda + alpha * hh;
  const mean = (alpha * (old * hh - he) + lambda * mu) / precision;
  const drawn = () => mean - RELAXATION * (old - mean) + (CHANCE * normalDraw(key)) / Math.sqrt(precision);
  const now = key ? drawn() : mean;
  for (const occurrence of occurrences) {
    e[occurrence.row]! += gradientOf(occurrence) * (now - old);
    // each row has the feature at most once, so the update of this row's sum q of x v does not affect the gradients of
    // the other rows
    q[occurrence.row]! += occurrence.x * (now - old);
  }
  return now;
}

/**
 * Updates all parameters t of a field by one linear map: t <- a t + c, with mu <- a mu + c and lambda <- lambda / a^2.
 *
 * @param values parameters t, with the sums of p h e (he) and of p h^2 (hh) over their rows
 * @param key random key, never 0
 */
export function referenceCommonMove(
  values: readonly { t: number; he: number; hh: number }[],
  { alpha, lambda, mu }: CoordinatePrior,
  key: number,
): { a: number; c: number } {
  const sum = (of: (value: (typeof values)[number]) => number) =>
    values.reduce((all, value) => all + of(value), 0);
  // multiplying every parameter t by a changes the score of a row by (a - 1) t h, which is linear in a, so the
  // likelihood of a is normal
  const squares = sum(({ t, hh }) => t * t * hh);
  const proposed =
    1 - sum(({ t, he }) => t * he) / squares + normalDraw(draw(key, 0)) / Math.sqrt(alpha * squares);
  // the prior of sigma = lambda^(-1/2) has the density sigma^-2 exp(-1 / (2 sigma^2)), and the map multiplies sigma by
  // a
  const ratio = -2 * log(proposed) - 0.5 * lambda * (1 / proposed ** 2 - 1);
  const a = proposed > 0 && log(uniform(draw(key, 1), 0)) < ratio ? proposed : 1;
  // adding c to every parameter changes the score of a row by c h, and the prior of mu is N(0, 1 / lambda)
  const precision = alpha * sum(({ hh }) => hh) + lambda / a ** 2;
  const errors = sum(({ t, he, hh }) => he + (a - 1) * t * hh);
  const mean = -(alpha * errors + (lambda / a) * mu) / precision;
  return { a, c: mean + normalDraw(draw(key, 2)) / Math.sqrt(precision) };
}

/**
 * Returns the random key of a feature's draw, never 0. `key` identifies the sweep and the dimension, `hash` the field
 * and the feature.
 */
export function coordinateKey(key: number, hash: readonly [number, number]): number {
  return key === 0 ? 0 : (featureKey(key, hash, 0) | 1) >>> 0;
}

/**
 * Probit: returns the loss of a score, -log P(label | score) in nats, and a new target drawn by a random key; key 0
 * returns the mean of the target.
 */
export function referenceTarget(score: number, label: number, key: number): { loss: number; target: number } {
  const side = label > 0 ? 1 : -1;
  const beyond = key ? tailDraw(key, -side * score) : tailMean(-side * score);
  return { loss: -log(normalCdf(side * score)), target: side * (side * score + beyond) };
}

/**
 * Logistic regression by Pólya-Gamma variables: returns the loss of a score in nats, the row's precision, which the
 * random key determines (key 0 stands for its mean), and the target of the weighted least squares.
 */
export function referenceLogit(
  score: number,
  label: number,
  key: number,
): { loss: number; precision: number; target: number } {
  const precision = key ? polyaGammaDraw(key, score) : polyaGammaMean(score);
  return { loss: rowLoss("logistic", score, label), precision, target: (label > 0 ? 0.5 : -0.5) / precision };
}
