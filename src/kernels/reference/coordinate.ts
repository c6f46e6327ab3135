// One coordinate of a factorization machine, moved to its minimiser or drawn from its posterior: the definition of correct for
// ../assembly/coordinate.ts.
//
//   score is linear in each parameter t:   score = g + h t,   h = x (q - x t) for a vector's number, x for a weight
//
// Source: Rendle 2012 (10.1145/2168752.2168771), eq. 13 and 24; draws are over-relaxed, Adler 1981 (10.1103/PhysRevD.23.2901).

import { log } from "./exp.js";
import { normalCdf, normalDraw, tailDraw, tailMean } from "./normal.js";
import { draw } from "./random.js";

/** How far a draw lies on the other side of the mean; 0 is plain Gibbs sampling. */
const RELAXATION = 0.5;
/** sqrt(1 - RELAXATION^2): what is left to chance, so that the posterior stays what it is. */
const CHANCE = 0.8660254037844386;

/** The precision of the labels around the score, and the normal prior of the parameter. */
export interface CoordinatePrior {
  alpha: number;
  lambda: number;
  mu: number;
}

/** e (score minus target) and q (sum of x v of the dimension at hand) of every row. */
export interface Residuals {
  e: Float64Array;
  q: Float64Array;
}

/** A feature's rows and values. */
export type Occurrence = { row: number; x: number };

/**
 * Moves one parameter, and e and q with it.
 *
 * @param key of its draw, whose distribution over many is the posterior of t given all else; 0 takes the minimiser of alpha / 2 sum e^2 + lambda / 2 (t - mu)^2
 * @returns the new value
 */
export function referenceCoordinate(
  occurrences: readonly Occurrence[],
  { e, q }: Residuals,
  old: number,
  linear: boolean,
  { alpha, lambda, mu }: CoordinatePrior,
  key: number,
): number {
  const slopeOf = ({ row, x }: Occurrence) => (linear ? x : x * (q[row]! - x * old));
  let [he, hh] = [0, 0];
  for (const occurrence of occurrences) {
    const h = slopeOf(occurrence);
    he += h * e[occurrence.row]!;
    hh += h * h;
  }
  const precision = lambda + alpha * hh;
  const mean = (alpha * (old * hh - he) + lambda * mu) / precision;
  const drawn = () => mean - RELAXATION * (old - mean) + (CHANCE * normalDraw(key)) / Math.sqrt(precision);
  const now = key ? drawn() : mean;
  for (const occurrence of occurrences) {
    e[occurrence.row]! += slopeOf(occurrence) * (now - old);
    // a row holds a feature once, so the slopes of the others do not hang on this q
    q[occurrence.row]! += occurrence.x * (now - old);
  }
  return now;
}

/** The stream of a feature's draw: of sweep and dimension, and of the hash of its field and key; never 0. */
export function coordinateKey(key: number, [low, high]: readonly [number, number]): number {
  return key === 0 ? 0 : (draw(draw(key, low), high) | 1) >>> 0;
}

/** Probit: the loss of a score, -log P(label | score) in nats, and a new target of its row; key 0 takes the targets' mean. */
export function referenceTarget(score: number, label: number, key: number): { loss: number; target: number } {
  const side = label > 0 ? 1 : -1;
  const beyond = key ? tailDraw(key, -side * score) : tailMean(-side * score);
  return { loss: -log(normalCdf(side * score)), target: side * (side * score + beyond) };
}
