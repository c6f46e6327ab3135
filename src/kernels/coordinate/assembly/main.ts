// Coordinate descent of a factorization machine, and its Gibbs sampler: everything that one parameter at a time needs.
//
//   r     a row; e its score minus its target; q its sum of x v in the dimension at hand
//   eq    f32[rows][2]: e and q of each row
//   x     the feature's value in a row; values is 0 where all are 1
//   h     dscore/dparameter: x (q - x v) for a vector's number, x for a weight
//   v     f32[size + 1]: a field's parameters in one dimension; the last stands for "no feature" and is 0
//   step  f32[size + 1][2]: before the move, and its length
//   sums  f32[size + 1][2]: sum of p h e and of p h^2 over some of the rows
//   p     a row's precision, a factor of alpha; precisions f32[rows], or 0 where all are 1
//   weights  f32[rows]: of its event, or 0 where all are 1
//
// A column holds the local id of a field that has one feature a row at most: its features share no row, so that one pass
// serves them all. Source: Rendle 2012 (10.1145/2168752.2168771), algorithms 2 and 4. Twin: ../reference.ts.

import { barrier } from "../../shared/assembly/barrier";
import { exp64, log64 } from "../../shared/assembly/exp64";
import { normalCdf, normalDraw, tailDraw, tailMean, uniform } from "../../shared/assembly/normal";
import { polyaGammaDraw, polyaGammaMean } from "../../shared/assembly/polya-gamma";
import { draw } from "../../shared/assembly/random";

/** As barrier of math/barrier.ts. */
export function meet(b: usize, numThreads: u32): bool {
  return barrier(b, numThreads);
}

/** Adds x v to the q of rows [first, end). */
export function addToQ(first: u32, end: u32, ids: usize, values: usize, eq: usize, v: usize): void {
  for (let r: usize = first; r < end; r++) {
    const x = values ? load<f32>(values + (r << 2)) : 1;
    const at = eq + (r << 3);
    store<f32>(at, load<f32>(at, 4) + x * load<f32>(v + ((<usize>load<u32>(ids + (r << 2))) << 2)), 4);
  }
}

/** `addToQ` of four fields whose values are all 1. */
export function addFourToQ(
  first: u32,
  end: u32,
  ids0: usize,
  ids1: usize,
  ids2: usize,
  ids3: usize,
  eq: usize,
  v0: usize,
  v1: usize,
  v2: usize,
  v3: usize,
): void {
  for (let r: usize = first; r < end; r++) {
    const at = eq + (r << 3);
    const a = load<f32>(v0 + ((<usize>load<u32>(ids0 + (r << 2))) << 2));
    const b = load<f32>(v1 + ((<usize>load<u32>(ids1 + (r << 2))) << 2));
    const c = load<f32>(v2 + ((<usize>load<u32>(ids2 + (r << 2))) << 2));
    const d = load<f32>(v3 + ((<usize>load<u32>(ids3 + (r << 2))) << 2));
    store<f32>(at, load<f32>(at, 4) + (a + b + (c + d)), 4);
  }
}

/** Sets the q of rows [first, end) to 0. */
export function clearQ(first: u32, end: u32, eq: usize): void {
  for (let r: usize = first; r < end; r++) store<f32>(eq + (r << 3), 0, 4);
}

/** e += q^2 / 2: half of a dimension's interactions; `subtractSquares` of every field is the other half. */
export function addSquare(first: u32, end: u32, eq: usize): void {
  for (let r: usize = first; r < end; r++) {
    const at = eq + (r << 3);
    const q = load<f32>(at, 4);
    store<f32>(at, load<f32>(at) + 0.5 * q * q);
  }
}

/** e -= (x v)^2 / 2. */
export function subtractSquares(first: u32, end: u32, ids: usize, values: usize, eq: usize, v: usize): void {
  for (let r: usize = first; r < end; r++) {
    const x = values ? load<f32>(values + (r << 2)) : 1;
    const t = x * load<f32>(v + ((<usize>load<u32>(ids + (r << 2))) << 2));
    store<f32>(eq + (r << 3), load<f32>(eq + (r << 3)) - 0.5 * t * t);
  }
}

/** Adds p h e and p h^2 of rows [first, end) to the sums of their features. */
export function accumulate(
  first: u32,
  end: u32,
  ids: usize,
  values: usize,
  precisions: usize,
  eq: usize,
  v: usize,
  sums: usize,
  linear: bool,
): void {
  if (!values && !precisions && !linear) {
    for (let r: usize = first; r < end; r++) {
      const id = <usize>load<u32>(ids + (r << 2));
      const h = load<f32>(eq + (r << 3), 4) - load<f32>(v + (id << 2));
      const sum = sums + (id << 3);
      store<f32>(sum, load<f32>(sum) + h * load<f32>(eq + (r << 3)));
      store<f32>(sum, load<f32>(sum, 4) + h * h, 4);
    }
    return;
  }
  for (let r: usize = first; r < end; r++) {
    const id = <usize>load<u32>(ids + (r << 2));
    const x = values ? load<f32>(values + (r << 2)) : 1;
    const h = linear ? x : x * (load<f32>(eq + (r << 3), 4) - x * load<f32>(v + (id << 2)));
    const ph = atRow(precisions, r) * h;
    const sum = sums + (id << 3);
    store<f32>(sum, load<f32>(sum) + ph * load<f32>(eq + (r << 3)));
    store<f32>(sum, load<f32>(sum, 4) + ph * h, 4);
  }
}

/** A row's number; 1 where there are none. */
function atRow(numbers: usize, r: usize): f32 {
  return numbers ? load<f32>(numbers + (r << 2)) : 1;
}

/** Takes the steps of a field's features to e and q of rows [first, end). */
export function move(
  first: u32,
  end: u32,
  ids: usize,
  values: usize,
  eq: usize,
  step: usize,
  linear: bool,
): void {
  for (let r: usize = first; r < end; r++) {
    const s = step + ((<usize>load<u32>(ids + (r << 2))) << 3);
    const x = values ? load<f32>(values + (r << 2)) : 1;
    const at = eq + (r << 3);
    const q = load<f32>(at, 4);
    const moved = x * load<f32>(s, 4);
    const slope = linear ? <f32>1 : q - x * load<f32>(s);
    store<f32>(at, load<f32>(at) + slope * moved);
    store<f32>(at, q + moved, 4);
  }
}

/**
 * `move` of one field and `accumulate` of the next in one pass, for vectors and cells that are all 1: most of a sweep over
 * one-hot rows, whose e and q are then loaded and stored once instead of twice.
 */
export function moveAndAccumulate(
  first: u32,
  end: u32,
  movedIds: usize,
  step: usize,
  ids: usize,
  precisions: usize,
  eq: usize,
  v: usize,
  sums: usize,
): void {
  for (let r: usize = first; r < end; r++) {
    const s = step + ((<usize>load<u32>(movedIds + (r << 2))) << 3);
    const moved = load<f32>(s, 4);
    const at = eq + (r << 3);
    let q = load<f32>(at, 4);
    const e = load<f32>(at) + (q - load<f32>(s)) * moved;
    q += moved;
    store<f32>(at, e);
    store<f32>(at, q, 4);
    const id = <usize>load<u32>(ids + (r << 2));
    const h = q - load<f32>(v + (id << 2));
    const ph = atRow(precisions, r) * h;
    const sum = sums + (id << 3);
    store<f32>(sum, load<f32>(sum) + ph * e);
    store<f32>(sum, load<f32>(sum, 4) + ph * h, 4);
  }
}

/** How far a draw lies on the other side of the mean (Adler 1981); 0 is plain Gibbs sampling. */
const RELAXATION: f64 = 0.8;
/** sqrt(1 - RELAXATION^2): what is left to chance, so that the posterior stays what it is. */
const CHANCE: f64 = 0.6;

/**
 * The new value of a parameter: the minimiser of alpha / 2 sum e^2 + lambda / 2 (v - mu)^2, or, with a key, a draw that
 * leaves the normal distribution around it, with the inverse of the curvature as its variance, as it is.
 *
 * @param he sum of h e
 * @param hh sum of h^2
 */
function updated(v: f64, he: f64, hh: f64, alpha: f64, lambda: f64, mu: f64, key: u32): f32 {
  const precision = lambda + alpha * hh;
  if (!(precision > 0)) return <f32>v;
  const mean = (alpha * (v * hh - he) + lambda * mu) / precision;
  if (!key) return <f32>mean;
  return <f32>(mean - RELAXATION * (v - mean) + (CHANCE * normalDraw(key)) / sqrt<f64>(precision));
}

/** The stream of a feature: the sweep and dimension's key with the hash of its field and key; never 0. */
function keyOf(key: u32, hash: usize): u32 {
  return key ? draw(draw(key, load<u32>(hash)), load<u32>(hash, 4)) | 1 : 0;
}

/** What becomes of a feature in a sweep. */
const DRAWN: u8 = 1;
const AT_MEAN: u8 = 2;

/**
 * Updates features [first, end) of a field whose features share no row, from the sums of all chunks, which are left 0.
 *
 * @param kinds u8[size]: 0 stays as it is, 1 is drawn, 2 is the prior's mean
 * @param hashes u32[size][2]
 * @param stride bytes between the sums of one chunk and the next
 * @param key of sweep and dimension; 0 takes the minimiser
 * @param moments f64[5]: set to what `moveTogether` needs of these features; 0 for none
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
    // h does not hang on the feature's own number: sum h e is known after the move too
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
 * Moves features [first, end) of a field together, v <- a v + c, and its prior with them: mu <- a mu + c, lambda <- lambda / a^2.
 *
 * Where a feature has few events its v follows the prior and the prior follows the v, so that one at a time both creep. With
 * (v - mu) sqrt(lambda) held, the score is linear in a and in c, and one draw takes the whole field where the rows want it: the
 * interweaving of Yu and Meng 2011 (10.1198/jcgs.2011.203main). a is drawn from what the rows say and accepted by the ratio of
 * its prior, which is that of 1 / sqrt(lambda) for lambda ~ Gamma(1/2, 1/2); c is drawn from the posterior, mu ~ N(0, 1 / lambda).
 *
 * @param moments f64[numBlocks][5]: sums over a block's features, of v he, v^2 hh, v hh, he and hh, with he and hh after `update`
 * @param key never 0
 * @param moved f64[2]: a and c are written here by who has the first feature
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

/** a of `moveTogether`: 1 where it is not accepted, or the rows say nothing. */
function drawFactor(ve: f64, vvh: f64, alpha: f64, lambda: f64, key: u32): f64 {
  const precision = alpha * vvh;
  if (!(precision > 0)) return 1;
  const a = 1 - ve / vvh + normalDraw(draw(key, 0)) / sqrt<f64>(precision);
  if (!(a > 0)) return 1;
  const ratio = -2 * log64(a) - 0.5 * lambda * (1 / (a * a) - 1);
  return log64(uniform(draw(key, 1), 0)) < ratio ? a : 1;
}

/**
 * Updates features [first, end) of a field of several values a row, one after another, each with its e and q.
 *
 * @param indptr u32[size + 1]: feature i has the pairs [indptr[i], indptr[i + 1]) of rows and values
 * @returns false when a parameter is NaN or infinite
 */
export function updateSparse(
  first: u32,
  end: u32,
  kinds: usize,
  hashes: usize,
  indptr: usize,
  rows: usize,
  values: usize,
  precisions: usize,
  eq: usize,
  v: usize,
  linear: bool,
  alpha: f64,
  lambda: f64,
  mu: f64,
  key: u32,
): bool {
  let finite = true;
  for (let i: usize = first; i < end; i++) {
    const kind = load<u8>(kinds + i);
    const old = load<f32>(v + (i << 2));
    if (kind == AT_MEAN) store<f32>(v + (i << 2), <f32>mu);
    if (kind != DRAWN) continue;
    const from = <usize>load<u32>(indptr + (i << 2));
    const to = <usize>load<u32>(indptr + (i << 2), 4);
    let he: f64 = 0;
    let hh: f64 = 0;
    for (let p = from; p < to; p++) {
      const r = <usize>load<u32>(rows + (p << 2));
      const at = eq + (r << 3);
      const x = load<f32>(values + (p << 2));
      const h = linear ? x : x * (load<f32>(at, 4) - x * old);
      const ph = atRow(precisions, r) * h;
      he += <f64>(ph * load<f32>(at));
      hh += <f64>(ph * h);
    }
    const now = updated(old, he, hh, alpha, lambda, mu, keyOf(key, hashes + (i << 3)));
    if (!isFinite(now)) finite = false;
    for (let p = from; p < to; p++) {
      const at = eq + ((<usize>load<u32>(rows + (p << 2))) << 3);
      const x = load<f32>(values + (p << 2));
      const moved = x * (now - old);
      const q = load<f32>(at, 4);
      store<f32>(at, load<f32>(at) + (linear ? <f32>1 : q - x * old) * moved);
      store<f32>(at, q + moved, 4);
    }
    store<f32>(v + (i << 2), now);
  }
  return finite;
}

/** `addToQ` (squares false) or `subtractSquares` (true) of a field of several values a row. */
export function addSparse(
  first: u32,
  end: u32,
  indptr: usize,
  rows: usize,
  values: usize,
  eq: usize,
  v: usize,
  squares: bool,
): void {
  for (let i: usize = first; i < end; i++) {
    const to = <usize>load<u32>(indptr + (i << 2), 4);
    for (let p = <usize>load<u32>(indptr + (i << 2)); p < to; p++) {
      const at = eq + ((<usize>load<u32>(rows + (p << 2))) << 3);
      const t = load<f32>(values + (p << 2)) * load<f32>(v + (i << 2));
      if (squares) store<f32>(at, load<f32>(at) - 0.5 * t * t);
      else store<f32>(at, load<f32>(at, 4) + t, 4);
    }
  }
}

/** Adds `shift` to the e of rows [first, end): a move of w0. */
export function shiftE(first: u32, end: u32, eq: usize, shift: f32): void {
  for (let r: usize = first; r < end; r++) store<f32>(eq + (r << 3), load<f32>(eq + (r << 3)) + shift);
}

/** Adds to totals, f64[4], sums over rows [first, end): of w e^2, which is the loss, of w e, of w e^2 and of w; w their weights. */
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
 * Probit: gives rows [first, end) new targets, normal around their score and on their label's side of 0, and adds to totals.
 *
 * @param targets f32[rows]: the targets that e refers to
 * @param labels f32[rows], 0 or 1
 * @param key of the sweep; 0 takes the mean of the targets in place of a draw
 * @param totals f64[4]: sums of -w log P(label | score), of w e, of w e^2 and of w grow
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
    // turned so that the label's side is above 0
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
 * Logit: gives rows [first, end) new precisions, w times a Polya-Gamma draw for their score, and the targets that go with
 * them, w (y - 1/2) / p; and adds to totals. The precision of a weight other than 1 is a draw's multiple, not a sum of draws.
 *
 * @param key of the sweep; 0 takes the mean of the precisions in place of a draw
 * @param totals f64[4]: sums of -w log P(label | score), of p e, of p e^2 and of p grow
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
