// Coordinate descent of a factorization machine, and its Gibbs sampler: updates one parameter at a time.
//
//   r     a row; e its score minus its target; q its sum of x v in the current dimension
//   eq    f32[rows][2]: e and q of each row
//   x     the feature's value in a row; values is 0 where all are 1
//   h     dscore/dparameter: x (q - x v) for a vector's number, x for a weight
//   v     f32[size + 1]: a field's parameters in one dimension; the last stands for "no feature" and is 0
//   step  f32[size + 1][2]: the value before the step, and the length of the step
//   sums  f32[size + 1][2]: sum of p h e and of p h^2 over some of the rows
//   p     precision of a row, a factor of alpha; precisions f32[rows], or 0 if all are 1
//   weights  f32[rows]: weight of the row's event, or 0 if all are 1
//
// A column holds the local feature id of each row, for a field with at most one feature per row: its features share no
// row, so one pass serves them all. Source: Rendle 2012 (10.1145/2168752.2168771), algorithms 2 and 4. Twin:
// ../coordinate.reference.ts.

import { exp64, log64 } from "../../shared/assembly/exp64";
import { normalCdf, tailDraw, tailMean } from "../../shared/assembly/normal";
import { polyaGammaDraw, polyaGammaMean } from "../../shared/assembly/polya-gamma";
import { draw } from "../../shared/assembly/random";
import { AT_MEAN, DRAWN, keyOf, updated } from "./parameters";

export { moveTogether, update } from "./parameters";
export { barrier } from "../../shared/assembly/barrier";

/** Returns element r of an array of f32; 1 if the array is absent (0). */
function atRow(numbers: usize, r: usize): f32 {
  return numbers ? load<f32>(numbers + (r << 2)) : 1;
}

// The following functions update e and q of the rows [first, end).

/** Adds x v of the row's feature in one field to q. */
export function addToQ(first: u32, end: u32, ids: usize, values: usize, eq: usize, v: usize): void {
  for (let r: usize = first; r < end; r++) {
    const x = values ? load<f32>(values + (r << 2)) : 1;
    const at = eq + (r << 3);
    store<f32>(at, load<f32>(at, 4) + x * load<f32>(v + ((<usize>load<u32>(ids + (r << 2))) << 2)), 4);
  }
}

/** Does the work of addToQ for four fields at once; all values must be 1. */
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

export function clearQ(first: u32, end: u32, eq: usize): void {
  for (let r: usize = first; r < end; r++) store<f32>(eq + (r << 3), 0, 4);
}

/** Adds q^2 / 2 to e: half of a dimension's interactions. `subtractSquares`, called for every field, adds the other. */
export function addSquare(first: u32, end: u32, eq: usize): void {
  for (let r: usize = first; r < end; r++) {
    const at = eq + (r << 3);
    const q = load<f32>(at, 4);
    store<f32>(at, load<f32>(at) + 0.5 * q * q);
  }
}

/** Subtracts (x v)^2 / 2 of the row's feature in one field from e. */
export function subtractSquares(first: u32, end: u32, ids: usize, values: usize, eq: usize, v: usize): void {
  for (let r: usize = first; r < end; r++) {
    const x = values ? load<f32>(values + (r << 2)) : 1;
    const t = x * load<f32>(v + ((<usize>load<u32>(ids + (r << 2))) << 2));
    store<f32>(eq + (r << 3), load<f32>(eq + (r << 3)) - 0.5 * t * t);
  }
}

/** Adds the change of the bias w0 to e. */
export function shiftE(first: u32, end: u32, eq: usize, shift: f32): void {
  for (let r: usize = first; r < end; r++) store<f32>(eq + (r << 3), load<f32>(eq + (r << 3)) + shift);
}

// The following functions update the parameters of a field. If a row has at most one feature of the field, one pass
// adds up gradients for all features (`accumulate`), and another corrects e and q (`move`). If a row may have several
// features, `updateSparse` updates them one after another, each followed by the correction of e and q.

/** Adds p h e and p h^2 of each row of [first, end) to the sums of the row's feature. */
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

/** Corrects e and q of rows [first, end) after the parameters of a field have changed. */
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
    const gradient = linear ? <f32>1 : q - x * load<f32>(s);
    store<f32>(at, load<f32>(at) + gradient * moved);
    store<f32>(at, q + moved, 4);
  }
}

/**
 * Does the work of `move` for one field and of `accumulate` for the next, for vectors and one-hot rows with values 1.
 * Most of a sweep is spent here; one pass instead of two halves the loads and stores of e and q.
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

/**
 * Updates features [first, end) of a field with several values per row.
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

/**
 * Adds x v of features [first, end) to q of their rows; or, if `squares` is true, subtracts (x v)^2 / 2 from e. A row
 * may have several of the features.
 */
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

// The following functions compare scores with labels, and draw latent targets for labels of 0 and 1.

/** Adds the sums of w e^2 (the loss), w e, w e^2 and w over rows [first, end) to `totals`, f64[4]; w is the weight. */
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
