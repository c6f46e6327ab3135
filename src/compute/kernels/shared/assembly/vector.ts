// Functions on four f32 at a time.

/** Returns x[0] + x[1] + x[2] + x[3], added in pairs: (x0 + x2) + (x1 + x3). */
export function sum4(x: v128): f32 {
  const pairs = f32x4.add(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** Adds x to the four numbers at an address. */
export function addTo(at: usize, x: v128): void {
  v128.store(at, f32x4.add(v128.load(at), x));
}

/**
 * Returns the inner product of two f32 arrays, added in four partial sums.
 * @param bytes size of each array, a multiple of 16
 */
export function dot(x: usize, y: usize, bytes: usize): f32 {
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < bytes; at += 16) {
    sum = f32x4.add(sum, f32x4.mul(v128.load(x + at), v128.load(y + at)));
  }
  return sum4(sum);
}

/**
 * Returns the inner product, added in eight partial sums: faster for long arrays, but rounded differently.
 *
 * @param n length of each array, a multiple of 8
 */
export function dotByEights(x: usize, y: usize, n: u32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  const end = x + ((<usize>n) << 2);
  for (; x < end; x += 32, y += 32) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(x), v128.load(y)));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(x, 16), v128.load(y, 16)));
  }
  return sum4(f32x4.add(s0, s1));
}

/** Returns a mask: all bits are set in the first `count` lanes. */
export function firstLanes(count: u32): v128 {
  return i32x4.lt_u(i32x4(0, 1, 2, 3), i32x4.splat(count));
}

/**
 * Approximates 1 / sqrt(x) of normal x > 0 with a relative error up to 7e-4, which suffices for the length of a step,
 * in a third of the time of a root and a division.
 *
 * The estimate from the exponent's bits is refined by one Newton step, with constants that balance errors of both
 * signs. Source: Jan Kadlec 2010, "Improving the fast inverse square root" (rrrola.wz.cz/inv_sqrt.html).
 */
export function inverseSqrt4(x: v128): v128 {
  const y = i32x4.sub(i32x4.splat(0x5f1ffff9), i32x4.shr_u(x, 1));
  const square = f32x4.mul(f32x4.mul(x, y), y);
  return f32x4.mul(y, f32x4.sub(f32x4.splat(1.68191391), f32x4.mul(f32x4.splat(0.703952009), square)));
}

/**
 * Transposes a 4 x 4 matrix: writes column c of the source as row c of the target.
 *
 * @param stride,targetStride bytes from one row to the next
 */
export function transpose4(source: usize, stride: usize, target: usize, targetStride: usize): void {
  const a = v128.load(source);
  const b = v128.load(source + stride);
  const c = v128.load(source + 2 * stride);
  const d = v128.load(source + 3 * stride);
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const ef = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const gh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(target, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
  v128.store(target + targetStride, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
  v128.store(target + 2 * targetStride, v128.shuffle<f32>(ef, gh, 0, 1, 4, 5));
  v128.store(target + 3 * targetStride, v128.shuffle<f32>(ef, gh, 2, 3, 6, 7));
}
