// Updates the parameters of a field, and two numbers of every row that depend on them: the error e, and the sum q of x
// v. If a row has at most one feature of the field, one pass sums up gradients for all features, and another corrects e
// and q. If a row may have several features, features are updated one after another, each followed by the correction of
// e and q.

import { atRow } from "./rows";
import { AT_MEAN, DRAWN, keyOf, updated } from "./posterior";

/**
 * For each row of [first, end), adds p h e and p h^2 to the sums of the row's feature, where e is the row's error, h
 * the score's derivative by the parameter, and p the row's precision.
 */
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

/**
 * Corrects the errors e of rows [first, end), and their sums q of x v, after the parameters of a field have changed.
 */
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
 * Does the work of `move` for one field and of `accumulate` for the next field in a single pass over the rows. It is
 * for vectors and one-hot rows with values 1. Most of a sweep is spent here; one pass instead of two halves the loads
 * and stores of each row's error e and sum q.
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
 * Updates features [first, end) of a field with several values per row, one after another; before the next feature,
 * corrects the errors e and the sums q of x v of the feature's rows.
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
 * Adds x v, the value times the parameter of a feature, to the sum q of each of the feature's rows; or, if `squares` is
 * true, subtracts (x v)^2 / 2 from the row's error e. A row may have several of the features.
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
