// What both searches for a split share: the options, a leaf's gain, and what a search returns.
//
//   G, H, C   sums of gradients and hessians and the number of rows, of a side
//   gain      T(G)^2 / (H + l2) of both sides, less the parent's and minGain;  T(G) = sign(G) max(0, |G| - l1)
//
// Source: Chen and Guestrin 2016 (arXiv:1603.02754), eq. 7; l1 as in LightGBM's feature_histogram.hpp.

// options, f64 each
const UNIT_G: usize = 0;
const UNIT_H: usize = 8;
const L1: usize = 16;
const L2: usize = 24;
const MIN_DATA: usize = 32;
const MIN_HESSIAN: usize = 40;
const MIN_GAIN: usize = 48;
export const CAT_SMOOTH: usize = 56;
export const CAT_L2: usize = 64;
export const MAX_CAT_THRESHOLD: usize = 72;
export const MAX_CAT_TO_ONEHOT: usize = 80;
export const MIN_DATA_PER_GROUP: usize = 88;

/** Bits of a cell that count rows. */
const COUNT_MASK: i64 = (1 << 25) - 1;

export function option(options: usize, at: usize): f64 {
  return load<f64>(options + at);
}

/** Gradient of a cell. */
export function gradientOf(cell: usize, options: usize): f64 {
  return <f64>load<i64>(cell) * load<f64>(options + UNIT_G);
}

/** Hessian of a cell. */
export function hessianOf(cell: usize, options: usize): f64 {
  return <f64>(load<i64>(cell, 8) >> 25) * load<f64>(options + UNIT_H);
}

/** Rows of a cell. */
export function countOf(cell: usize): f64 {
  return <f64>(load<i64>(cell, 8) & COUNT_MASK);
}

/** T(G)^2 / (H + l2), with `more` added to l2. */
export function leafGain(g: f64, h: f64, options: usize, more: f64): f64 {
  const t = Math.max(0, Math.abs(g) - load<f64>(options + L1));
  const below = h + load<f64>(options + L2) + more;
  return below > 0 ? (t * t) / below : 0;
}

/** What a split must exceed. */
export function threshold(g: f64, h: f64, options: usize): f64 {
  return leafGain(g, h, options, 0) + load<f64>(options + MIN_GAIN);
}

/** Whether a side may be a leaf. */
export function isLeaf(h: f64, c: f64, options: usize): bool {
  return c >= load<f64>(options + MIN_DATA) && h >= load<f64>(options + MIN_HESSIAN);
}
