// One parameter's new value: its minimizer, or a draw from its normal posterior.

import { featureKey } from "../../shared/assembly/initial";
import { normalDraw } from "../../shared/assembly/normal";

/** How far a draw lies on the other side of the mean (Adler 1981); 0 is plain Gibbs sampling. */
const RELAXATION: f64 = 0.8;

/** sqrt(1 - RELAXATION^2): what is left to chance, so that the posterior stays what it is. */
const CHANCE: f64 = 0.6;

/**
 * The new value of a parameter: the minimizer of alpha / 2 sum e^2 + lambda / 2 (v - mu)^2, or, with a key, a draw that
 * leaves the normal distribution around it, with the inverse of the curvature as its variance, as it is.
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

/** The stream of a feature: the sweep and dimension's key with the hash of its field and key; never 0. */
export function keyOf(key: u32, hash: usize): u32 {
  return key ? featureKey(key, hash) | 1 : 0;
}

/** What becomes of a feature in a sweep. */
export const DRAWN: u8 = 1;

export const AT_MEAN: u8 = 2;
