// Updates a field's parameters from sums over its rows: each parameter separately, to its minimizer or to a draw from
// its normal posterior; then all of them by a common linear map.

import { log64 } from "../../shared/assembly/exp64";
import { draw, featureKey } from "../../shared/assembly/random";
import { normalDraw, uniform } from "../../shared/assembly/normal";

/** Kinds of features: set to a draw from the posterior (or to the minimizer), or to the mean of the prior. */
export const DRAWN: u8 = 1;
export const AT_MEAN: u8 = 2;

/** Over-relaxation (Adler 1981): a draw's center is mean - RELAXATION (old value - mean); 0 is plain Gibbs sampling. */
const RELAXATION: f64 = 0.8;

/** sqrt(1 - RELAXATION^2), which makes the posterior the chain's stationary distribution. */
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

/** Returns the random key of a feature's draws, never 0; 0 if `key`, that of the sweep and the dimension, is 0. */
export function keyOf(key: u32, hash: usize): u32 {
  return key ? featureKey(key, hash) | 1 : 0;
}

/**
 * Updates features [first, end) of a field whose features share no row, from the sums of all chunks, which are reset to
 * 0.
 *
 * @param kinds u8[size]: DRAWN or AT_MEAN; 0 leaves the feature's parameter unchanged
 * @param hashes u32[size][2]
 * @param stride bytes between the sums of one chunk and the next
 * @param key random key of the sweep and dimension; 0 selects the minimizer instead of a draw
 * @param moments address of f64[5], to which the sums over these features for `moveTogether` are written; 0 writes none
 * @returns false when a parameter is NaN or infinite
 */
export function update(
  first: u32,
  end: u32,
  kinds: usize,
  hashes: usize,
  v: usize,
  step: usize,
  sums: usize,
  stride: usize,
  numChunks: u32,
  alpha: f64,
  lambda: f64,
  mu: f64,
  key: u32,
  moments: usize,
): bool {
  let finite = true;
  let ve: f64 = 0;
  let vvh: f64 = 0;
  let vh: f64 = 0;
  let e: f64 = 0;
  let h: f64 = 0;
  for (let i: usize = first; i < end; i++) {
    let he: f64 = 0;
    let hh: f64 = 0;
    for (let c: u32 = 0, sum = sums + (i << 3); c < numChunks; c++, sum += stride) {
      he += <f64>load<f32>(sum);
      hh += <f64>load<f32>(sum, 4);
      store<u64>(sum, 0);
    }
    const old = load<f32>(v + (i << 2));
    const kind = load<u8>(kinds + i);
    let now = old;
    if (kind == DRAWN) now = updated(old, he, hh, alpha, lambda, mu, keyOf(key, hashes + (i << 3)));
    else if (kind == AT_MEAN) now = <f32>mu;
    if (!isFinite(now)) finite = false;
    store<f32>(v + (i << 2), now);
    store<f32>(step + (i << 3), old);
    store<f32>(step + (i << 3), now - old, 4);
    if (!moments || kind != DRAWN) continue;
    // h does not depend on the parameter itself, so its change adds (now - old) times the sum of p h^2 to that of p h e
    he += <f64>(now - old) * hh;
    const vi = <f64>now;
    ve += vi * he;
    vvh += vi * vi * hh;
    vh += vi * hh;
    e += he;
    h += hh;
  }
  if (moments) {
    store<f64>(moments, ve);
    store<f64>(moments, vvh, 8);
    store<f64>(moments, vh, 16);
    store<f64>(moments, e, 24);
    store<f64>(moments, h, 32);
  }
  return finite;
}

/**
 * Updates features [first, end) of a field together, v <- a v + c, and their prior too: mu <- a mu + c, lambda <-
 * lambda / a^2.
 *
 * The v of features with few events stay close to the prior, and the prior stays close to the v, so that alternating
 * updates change both slowly. With (v - mu) sqrt(lambda) fixed, the score is linear in a and in c, and one draw of (a,
 * c) from the rows updates the whole field: the interweaving of Yu and Meng 2011 (10.1198/jcgs.2011.203main). a is
 * proposed from the likelihood of the rows and accepted by the ratio of its prior, that of 1 / sqrt(lambda) for lambda
 * ~ Gamma(1/2, 1/2); c is drawn from the posterior, mu ~ N(0, 1 / lambda).
 *
 * @param moments f64[numBlocks][5]: sums over a block's features of v he, v^2 hh, v hh, he and hh, with he and hh after
 *   `update`
 * @param key random key, never 0
 * @param moved f64[2]: a and c; written by the call whose range starts at feature 0
 */
export function moveTogether(
  first: u32,
  end: u32,
  kinds: usize,
  v: usize,
  step: usize,
  moments: usize,
  numBlocks: u32,
  alpha: f64,
  lambda: f64,
  mu: f64,
  key: u32,
  moved: usize,
): void {
  let ve: f64 = 0;
  let vvh: f64 = 0;
  let vh: f64 = 0;
  let e: f64 = 0;
  let h: f64 = 0;
  for (let b: u32 = 0, at = moments; b < numBlocks; b++, at += 40) {
    ve += load<f64>(at);
    vvh += load<f64>(at, 8);
    vh += load<f64>(at, 16);
    e += load<f64>(at, 24);
    h += load<f64>(at, 32);
  }
  const a = drawFactor(ve, vvh, alpha, lambda, key);
  const precision = alpha * h + lambda / (a * a);
  const mean = -(alpha * (e + (a - 1) * vh) + (lambda / a) * mu) / precision;
  const c = mean + normalDraw(draw(key, 2)) / sqrt<f64>(precision);
  for (let i: usize = first; i < end; i++) {
    if (!load<u8>(kinds + i)) continue;
    const now = <f32>(a * <f64>load<f32>(v + (i << 2)) + c);
    store<f32>(v + (i << 2), now);
    store<f32>(step + (i << 3), now - load<f32>(step + (i << 3)), 4);
  }
  if (first > 0) return;
  store<f64>(moved, a);
  store<f64>(moved, c, 8);
}

/** Draws a; returns 1 (no change) if the proposal is rejected, or if the rows carry no information about a. */
function drawFactor(ve: f64, vvh: f64, alpha: f64, lambda: f64, key: u32): f64 {
  const precision = alpha * vvh;
  if (!(precision > 0)) return 1;
  const a = 1 - ve / vvh + normalDraw(draw(key, 0)) / sqrt<f64>(precision);
  if (!(a > 0)) return 1;
  const ratio = -2 * log64(a) - 0.5 * lambda * (1 / (a * a) - 1);
  return log64(uniform(draw(key, 1), 0)) < ratio ? a : 1;
}
