// Compares scores with labels: sums of errors, and latent targets that are drawn for labels of 0 and 1 (probit and
// logit link).

import { exp64, log64 } from "../../shared/assembly/exp64";
import { normalCdf, tailDraw, tailMean } from "../../shared/assembly/normal";
import { polyaGammaDraw, polyaGammaMean } from "../../shared/assembly/polya-gamma";
import { draw } from "../../shared/assembly/random";
import { atRow } from "./rows";

/**
 * Adds to `totals`, f64[4], the sums over rows [first, end) of w e^2 (the loss), w e, w e^2 and w, where e is a row's
 * error and w its weight.
 */
export function totalSquared(first: u32, end: u32, eq: usize, weights: usize, totals: usize): void {
  let errors: f64 = 0;
  let squares: f64 = 0;
  let weight: f64 = 0;
  for (let r: usize = first; r < end; r++) {
    const e = <f64>load<f32>(eq + (r << 3));
    const w = <f64>atRow(weights, r);
    errors += w * e;
    squares += w * e * e;
    weight += w;
  }
  addTotals(totals, squares, errors, squares, weight);
}

/**
 * Probit: draws new targets for rows [first, end), normal around their score and on their label's side of 0, and adds
 * to the totals.
 *
 * @param targets f32[rows]: the targets that e refers to
 * @param labels f32[rows], 0 or 1
 * @param key random key of the sweep; 0 sets each target to its mean instead of drawing it
 * @param totals f64[4]: adds sums of -w log P(label | score), of w e, of w e^2 and of w
 */
export function drawProbit(
  first: u32,
  end: u32,
  eq: usize,
  targets: usize,
  labels: usize,
  weights: usize,
  key: u32,
  totals: usize,
): void {
  let loss: f64 = 0;
  let errors: f64 = 0;
  let squares: f64 = 0;
  let weight: f64 = 0;
  for (let r: usize = first; r < end; r++) {
    const score = load<f32>(eq + (r << 3)) + load<f32>(targets + (r << 2));
    // for label 0, the signs of score and target are flipped, so that the target is above 0 for either label
    const side: f64 = load<f32>(labels + (r << 2)) > 0 ? 1 : -1;
    const s = side * <f64>score;
    const beyond = key ? tailDraw(draw(key, <u32>r), -s) : tailMean(-s);
    const target = <f32>(side * (s + beyond));
    const e = score - target;
    store<f32>(targets + (r << 2), target);
    store<f32>(eq + (r << 3), e);
    const w = <f64>atRow(weights, r);
    loss -= w * log64(normalCdf(s));
    errors += w * <f64>e;
    squares += w * <f64>e * <f64>e;
    weight += w;
  }
  addTotals(totals, loss, errors, squares, weight);
}

/**
 * Logit: draws new precisions for rows [first, end), w times a Polya-Gamma draw given their score, sets the
 * corresponding targets, w (y - 1/2) / p, and adds to the totals. With a weight other than 1, the precision is a
 * multiple of one draw, not a sum of draws.
 *
 * @param key random key of the sweep; 0 sets each precision to its mean instead of drawing it
 * @param totals f64[4]: adds sums of -w log P(label | score), of p e, of p e^2 and of p
 */
export function drawLogit(
  first: u32,
  end: u32,
  eq: usize,
  targets: usize,
  labels: usize,
  weights: usize,
  precisions: usize,
  key: u32,
  totals: usize,
): void {
  let loss: f64 = 0;
  let errors: f64 = 0;
  let squares: f64 = 0;
  let precision: f64 = 0;
  for (let r: usize = first; r < end; r++) {
    const score = load<f32>(eq + (r << 3)) + load<f32>(targets + (r << 2));
    const s = <f64>score;
    const half: f64 = load<f32>(labels + (r << 2)) > 0 ? 0.5 : -0.5;
    const omega = key ? polyaGammaDraw(draw(key, <u32>r), s) : polyaGammaMean(s);
    const target = <f32>(half / omega);
    const e = score - target;
    const w = <f64>atRow(weights, r);
    const p = <f32>(w * omega);
    store<f32>(targets + (r << 2), target);
    store<f32>(precisions + (r << 2), p);
    store<f32>(eq + (r << 3), e);
    loss += w * (log64(1 + exp64(-abs<f64>(s))) + max<f64>(-2 * half * s, 0));
    errors += <f64>p * <f64>e;
    squares += <f64>p * <f64>e * <f64>e;
    precision += <f64>p;
  }
  addTotals(totals, loss, errors, squares, precision);
}

function addTotals(totals: usize, loss: f64, errors: f64, squares: f64, weight: f64): void {
  store<f64>(totals, load<f64>(totals) + loss);
  store<f64>(totals, load<f64>(totals, 8) + errors, 8);
  store<f64>(totals, load<f64>(totals, 16) + squares, 16);
  store<f64>(totals, load<f64>(totals, 24) + weight, 24);
}
