// Computes the new value of one parameter: its minimizer, or a draw from its normal posterior.

import { featureKey } from "../../shared/assembly/initial";
import { normalDraw } from "../../shared/assembly/normal";

/**
 * Over-relaxation factor (Adler 1981): the center of a draw is mean - RELAXATION (old value - mean); 0 is plain Gibbs
 * sampling.
 */
const RELAXATION: f64 = 0.8;

/**
 * sqrt(1 - RELAXATION^2): scale of a draw's random part, so that the posterior is the chain's stationary distribution.
 */
const CHANCE: f64 = 0.6;

/**
 * Returns the parameter v that minimizes alpha / 2 (sum of squared errors) + lambda / 2 (v - mu)^2; or, with a random
 * key, a draw that leaves the normal posterior invariant: its mean is the minimizer, and its variance the inverse of
 * the curvature.
 *
 * @param he sum of h e
 * @param hh sum of h^2
 */
export function updated(v: f64, he: f64, hh: f64, alpha: f64, lambda: f64, mu: f64, key: u32): f32 {
  const precision = lambda + alpha * hh;
  if (!(precision > 0)) return <f32>v;
  const mean = (alpha * (v * hh - he) + lambda * mu) / precision;
  if (!key) return <f32>mean;
  return <f32>(mean - RELAXATION * (v - mean) + (CHANCE * normalDraw(key)) / sqrt<f64>(precision));
}

/**
 * Returns the random key of a feature's draws, never 0. `key` identifies the sweep and the dimension, the hash the
 * field and the feature.
 */
export function keyOf(key: u32, hash: usize): u32 {
  return key ? featureKey(key, hash) | 1 : 0;
}

/**
 * Kinds of features in a sweep, which say how the feature's parameter is set: to a draw from its posterior (or to the
 * minimizer), or to the mean of the prior.
 */
export const DRAWN: u8 = 1;

export const AT_MEAN: u8 = 2;
