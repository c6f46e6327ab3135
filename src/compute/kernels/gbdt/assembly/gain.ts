// Shared by the searches for numeric and categorical splits: options, gain of a leaf, and result.
//
//   G, H, C   sums of gradients and hessians and the number of rows, of a side
//   gain      T(G)^2 / (H + l2) of both sides, minus the parent's and minGain;  T(G) = sign(G) max(0, |G| - l1)
//
// Source: Chen and Guestrin 2016 (arXiv:1603.02754), eq. 7; l1 as in LightGBM's feature_histogram.hpp.

/**
 * Options of both searches for a split. Sums are in units of 1 / scale; converting them is exact, since scales are
 * powers of two.
 */
export class SplitOptions {
  unitG: f64;
  unitH: f64;
  lambdaL1: f64;
  lambdaL2: f64;
  minDataInLeaf: f64;
  minSumHessianInLeaf: f64;
  minGainToSplit: f64;
  catSmooth: f64;
  catL2: f64;
  maxCatThreshold: f64;
  maxCatToOnehot: f64;
  minDataPerGroup: f64;
}

export class Split {
  /** gain of the split, above 0; 0 if no split was found */
  gain: f64;
  /** for a numeric feature: bins 0 .. threshold go to the left side */
  threshold: u32;
  /** for a numeric feature: 1 if missing values go to the left side; for a categorical one: 1 if catL2 applies */
  flag: u32;
  /** rows that go left */
  numLeft: u32;
  /** sums of gradients and of hessians of each side */
  leftG: f64;
  leftH: f64;
  rightG: f64;
  rightH: f64;
}

/** Number of bits of a histogram's cell that contain the number of rows. */
export const COUNT_BITS: i64 = 25;
const COUNT_MASK: i64 = (1 << COUNT_BITS) - 1;

export function gradientOf(cell: usize, options: SplitOptions): f64 {
  return <f64>load<i64>(cell) * options.unitG;
}

export function hessianOf(cell: usize, options: SplitOptions): f64 {
  return <f64>(load<i64>(cell, 8) >> COUNT_BITS) * options.unitH;
}

export function countOf(cell: usize): f64 {
  return <f64>(load<i64>(cell, 8) & COUNT_MASK);
}

/** Returns one side's term of a split's gain, T(G)^2 / (H + l2 + more). */
export function leafGain(g: f64, h: f64, options: SplitOptions, more: f64): f64 {
  const t = Math.max(0, Math.abs(g) - options.lambdaL1);
  const below = h + options.lambdaL2 + more;
  return below > 0 ? (t * t) / below : 0;
}

/** Returns the gain that the leaves of a split must exceed: the parent's, plus minGainToSplit. */
export function threshold(g: f64, h: f64, options: SplitOptions): f64 {
  return leafGain(g, h, options, 0) + options.minGainToSplit;
}

/** Returns whether one side of a split may become a leaf. */
export function isLeaf(h: f64, c: f64, options: SplitOptions): bool {
  return c >= options.minDataInLeaf && h >= options.minSumHessianInLeaf;
}

/** Writes the sides of a split, given the sums of the left side and of both. */
export function putSides(out: Split, numLeft: f64, g: f64, h: f64, G: f64, H: f64): void {
  out.numLeft = <u32>numLeft;
  out.leftG = g;
  out.leftH = h;
  out.rightG = G - g;
  out.rightH = H - h;
}
