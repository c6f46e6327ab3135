// A field of several values a row, whose features may share rows: one feature after another, each with its e and q.

import { AT_MEAN, DRAWN, keyOf, updated } from "./posterior";
import { atRow } from "./rows";

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
