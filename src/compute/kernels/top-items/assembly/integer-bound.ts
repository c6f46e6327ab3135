// Upper bounds on scores by 16-bit integers: one integer instruction multiplies twice as many dimensions as an f32
// instruction.
//
//   x, y    an item and a query; with weights, an item ends with its weight and a query with 1. n dimensions
//   s, t    scales, one for the items of a tile and one a query: |x / s| and |y / t| are at most S
//   a, b    i16[n]: x / s and y / t, rounded       I = <a, b>, exact in i32 because |a| |b| < 2^31
//
//   score <= s t (I + C), where C bounds the changes by rounding in units of s t:
//     a = x / s + e with |e| <= r = H sqrt(n), and b likewise, so that |<x, y> / (s t) - I| <= r S + (S + r) r
//     the f32 sum is off by at most gamma |x| |y|, gamma = (n + 1) u / (1 - (n + 1) u), u = 2^-24
//     (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1)
//
// An item with I <= T = floor(last / (s t) - C) cannot enter a list whose last score is `last`.

import { QueryBound, Search } from "./plan";

/** With more dimensions, rounding errors of the scaling could make a scaled vector longer than S. */
export const MAX_DIM: u32 = 2048;

/**
 * S: maximum length of a scaled vector. FIT: length to which vectors are scaled, less by the rounding errors of sums of
 * squares and scales.
 */
const S: f64 = 32692;
const FIT: f64 = 32690;
/** Maximum error of an integer: a half, plus the error of the scaling. */
const H: f64 = 0.503;
/** 1.5 * 2^23: the low 16 bits of the f32 MAGIC + z are the integer nearest to z. */
const MAGIC: f32 = 12582912;
/** Maximum of 1 / s and 1 / t, 2^50: products that underflow in f32 then change I by less than 1. */
const MAX_INVERSE: f64 = 1125899906842624;
/** Minimum of 1 / (s t), for which no sum overflows f32. */
const MIN_PRODUCT: f64 = 2.5e-29;

export function pairsOfDims(search: Search): u32 {
  return (search.dim + search.weighted + 1) >>> 1;
}

/** Returns the inverse scale for squared lengths up to `squares`; 0 or NaN if `squares` is not finite. */
function inverseOf(squares: f64): f32 {
  return <f32>min(MAX_INVERSE, FIT / sqrt(squares));
}

/** Writes a query as integers, i16[ceil(n / 2)][4][2], and its bound. @param target its place among four queries */
export function boundQuery(search: Search, query: u32, target: usize, bound: QueryBound): void {
  const d = search.dim;
  const source = search.queries + ((<usize>query * d) << 2);
  let squares: f64 = search.weighted;
  for (let i: usize = 0; i < d; i++) {
    const y: f64 = load<f32>(source + (i << 2));
    squares += y * y;
  }
  const inverse = inverseOf(squares);
  bound.inverseScale = inverse;
  const n: f64 = d + search.weighted;
  const r = H * sqrt(n);
  const gamma = (1.01 * (n + 2)) / 16777216;
  // the scores of a query of zeros are exactly 0
  bound.margin = squares == 0 ? 0 : r * S + (S + r) * r + gamma * S * S + 2;
  for (let i: u32 = 0; i < 2 * pairsOfDims(search); i++) {
    const y: f32 = i < d ? load<f32>(source + ((<usize>i) << 2)) : i < d + search.weighted ? 1 : 0;
    const at = target + ((<usize>(i >>> 1)) << 4) + ((<usize>(i & 1)) << 1);
    store<u16>(at, <u16>reinterpret<u32>(MAGIC + y * inverse));
  }
}

/** Writes zeros for a missing query, and a bound that no item exceeds. */
export function writeNoQuery(search: Search, target: usize, bound: QueryBound): void {
  for (let i: usize = 0; i < pairsOfDims(search); i++) store<u32>(target + (i << 4), 0);
  bound.threshold = i32.MAX_VALUE;
}

/**
 * Sets the threshold T for a tile.
 * @param inverse 1 / s of the tile, above 0
 * @param last last score of the query's list
 */
export function setThreshold(bound: QueryBound, inverse: f32, last: f32): void {
  const product = bound.inverseScale * <f64>inverse;
  let threshold: f64 = -Infinity;
  if (product > MIN_PRODUCT) {
    const scaled = <f64>last * product;
    threshold = floor(min(scaled * (1 - 1e-12), scaled * (1 + 1e-12)) - bound.margin);
  }
  bound.threshold = <i32>max<f64>(i32.MIN_VALUE, min<f64>(i32.MAX_VALUE, threshold));
}

/**
 * Writes the items of a tile of panels as integers, i16[panels][ceil(n / 2)][8][2].
 *
 * @returns the inverse scale 1 / s of the tile; 0 or NaN if the items are not finite
 */
export function writeItems(search: Search, from: u32, end: u32, target: usize): f32 {
  const d = search.dim;
  const bytes = (<usize>d) << 5;
  const inverse = inverseOf(maxSquares(search, from, end));
  const scale = f32x4.splat(inverse);
  const zero = f32x4.splat(0);
  for (let p = from; p < end; p++) {
    let at = search.panels + <usize>p * bytes;
    for (let i: u32 = 0; i + 2 <= d; i += 2) {
      v128.store(target, pairOf(v128.load(at), v128.load(at, 32), scale));
      v128.store(target, pairOf(v128.load(at, 16), v128.load(at, 48), scale), 16);
      target += 32;
      at += 64;
    }
    if (((d & 1) | search.weighted) == 0) continue;
    // writes the last dimension if their number is odd, the weights, or both
    for (let half: usize = 0; half < 32; half += 16) {
      const w = search.weighted ? finiteWeights(search.weights + ((<usize>p) << 5) + half) : zero;
      v128.store(target + half, d & 1 ? pairOf(v128.load(at + half), w, scale) : pairOf(w, zero, scale));
    }
    target += 32;
  }
  return inverse;
}

/** Returns the maximum squared length of items; NaN if one of them is NaN. */
function maxSquares(search: Search, from: u32, end: u32): f32 {
  const bytes = (<usize>search.dim) << 5;
  let most = f32x4.splat(0);
  for (let p = from; p < end; p++) {
    let low = f32x4.splat(0);
    let high = low;
    if (search.weighted) {
      low = finiteWeights(search.weights + ((<usize>p) << 5));
      high = finiteWeights(search.weights + ((<usize>p) << 5) + 16);
      low = f32x4.mul(low, low);
      high = f32x4.mul(high, high);
    }
    const first = search.panels + <usize>p * bytes;
    for (let at = first; at < first + bytes; at += 32) {
      const x0 = v128.load(at);
      const x1 = v128.load(at, 16);
      low = f32x4.add(low, f32x4.mul(x0, x0));
      high = f32x4.add(high, f32x4.mul(x1, x1));
    }
    most = f32x4.max(most, f32x4.max(low, high));
  }
  const even = max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 2));
  const odd = max(f32x4.extract_lane(most, 1), f32x4.extract_lane(most, 3));
  return max(even, odd);
}

/** Returns four weights, with 0 for -Infinity, with which an item is never found, whatever its bound. */
function finiteWeights(at: usize): v128 {
  const w = v128.load(at);
  return v128.andnot(w, f32x4.eq(w, f32x4.splat(-Infinity)));
}

/** Converts two numbers of each of four items to integers, i16[4][2]. */
function pairOf(x: v128, y: v128, scale: v128): v128 {
  const magic = f32x4.splat(MAGIC);
  const low = v128.and(f32x4.add(magic, f32x4.mul(x, scale)), i32x4.splat(0xffff));
  return v128.or(low, i32x4.shl(f32x4.add(magic, f32x4.mul(y, scale)), 16));
}

/**
 * Returns whether an integer product of four queries and eight items is above the query's threshold; if so, writes all
 * products to the tile.
 *
 * An iteration adds two pairs of dimensions, as in addPacked of shared/assembly/tile.ts.
 *
 * @param left i16[n][4][2]
 * @param right i16[n][8][2]
 * @param n number of pairs of dimensions, at least 1
 * @param tile i32[4][8]
 */
export function anyAbove(left: usize, right: usize, n: u32, bounds: usize, tile: usize): bool {
  let a0 = i32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  const end = left + ((<usize>n) << 4);
  do {
    let r0 = v128.load(right);
    let r1 = v128.load(right, 16);
    let l = v128.load32_splat(left);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(l, r0));
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(l, r1));
    l = v128.load32_splat(left, 4);
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(l, r0));
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(l, r1));
    l = v128.load32_splat(left, 8);
    c0 = i32x4.add(c0, i32x4.dot_i16x8_s(l, r0));
    c1 = i32x4.add(c1, i32x4.dot_i16x8_s(l, r1));
    l = v128.load32_splat(left, 12);
    d0 = i32x4.add(d0, i32x4.dot_i16x8_s(l, r0));
    d1 = i32x4.add(d1, i32x4.dot_i16x8_s(l, r1));
    left += 16;
    if (left >= end) break;

    r0 = v128.load(right, 32);
    r1 = v128.load(right, 48);
    l = v128.load32_splat(left);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(l, r0));
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(l, r1));
    l = v128.load32_splat(left, 4);
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(l, r0));
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(l, r1));
    l = v128.load32_splat(left, 8);
    c0 = i32x4.add(c0, i32x4.dot_i16x8_s(l, r0));
    c1 = i32x4.add(c1, i32x4.dot_i16x8_s(l, r1));
    l = v128.load32_splat(left, 12);
    d0 = i32x4.add(d0, i32x4.dot_i16x8_s(l, r0));
    d1 = i32x4.add(d1, i32x4.dot_i16x8_s(l, r1));
    left += 16;
    right += 64;
  } while (left < end);

  const threshold = bounds + offsetof<QueryBound>("threshold");
  const a = v128.load32_splat(threshold);
  const b = v128.load32_splat(threshold + offsetof<QueryBound>());
  const c = v128.load32_splat(threshold + 2 * offsetof<QueryBound>());
  const d = v128.load32_splat(threshold + 3 * offsetof<QueryBound>());
  const inAB = v128.or(
    v128.or(i32x4.gt_s(a0, a), i32x4.gt_s(a1, a)),
    v128.or(i32x4.gt_s(b0, b), i32x4.gt_s(b1, b)),
  );
  const inCD = v128.or(
    v128.or(i32x4.gt_s(c0, c), i32x4.gt_s(c1, c)),
    v128.or(i32x4.gt_s(d0, d), i32x4.gt_s(d1, d)),
  );
  if (!v128.any_true(v128.or(inAB, inCD))) return false;
  v128.store(tile, a0);
  v128.store(tile, a1, 16);
  v128.store(tile, b0, 32);
  v128.store(tile, b1, 48);
  v128.store(tile, c0, 64);
  v128.store(tile, c1, 80);
  v128.store(tile, d0, 96);
  v128.store(tile, d1, 112);
  return true;
}
