// Whole numbers of less than 51 bits, two at a time: i64 → f64 and back, for which WebAssembly has no vector instruction.

/** 1.5 x 2^52: an f64 beside it has no place for a fraction, and its last bits are those of what was added to it. */
const ROUNDING: f64 = 6755399441055744;
const ROUNDING_BITS: i64 = 0x4338000000000000;

/** i64x2 → the same numbers as f64x2. */
export function floatsOf(x: v128): v128 {
  return f64x2.sub(i64x2.add(x, i64x2.splat(ROUNDING_BITS)), f64x2.splat(ROUNDING));
}

/** f64x2 → the nearest whole numbers as i64x2; of two as near, the even one. */
export function nearestOf(x: v128): v128 {
  return i64x2.sub(f64x2.add(x, f64x2.splat(ROUNDING)), i64x2.splat(ROUNDING_BITS));
}
