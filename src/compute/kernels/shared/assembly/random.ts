// Random numbers by key: a draw is a hash of (key, counter), so it does not depend on the order of draws.
// Twins: ../../../../base/numeric/random.ts and, of initial values, ../../../../base/numeric/initial.ts. Mixing function: Chris
// Wellons' "lowbias32" (hash-prospector, 2018).

const GOLDEN: u32 = 0x9e3779b9;
const FIRST: u32 = 0x21f0aaad;
const SECOND: u32 = 0xd35a2d97;

/** Returns a u32 hash of a key and a counter. */
export function draw(key: u32, counter: u32): u32 {
  let x = key + counter * GOLDEN;
  x ^= x >>> 16;
  x *= FIRST;
  x ^= x >>> 15;
  x *= SECOND;
  x ^= x >>> 15;
  return x;
}

/** Returns the hashes of four keys with the same counter, as `draw` does for one key. */
export function draw4(keys: v128, counter: u32): v128 {
  let x = i32x4.add(keys, i32x4.splat(counter * GOLDEN));
  x = v128.xor(x, i32x4.shr_u(x, 16));
  x = i32x4.mul(x, i32x4.splat(FIRST));
  x = v128.xor(x, i32x4.shr_u(x, 15));
  x = i32x4.mul(x, i32x4.splat(SECOND));
  return v128.xor(x, i32x4.shr_u(x, 15));
}

/** Writes a random permutation of 0 .. n-1 (Fisher-Yates shuffle from the front). @param order u32[n] */
export function permute(order: usize, n: u32, key: u32): void {
  for (let i: u32 = 0; i < n; i++) {
    // j is uniform in 0 .. i; probabilities differ by at most i / 2^32
    const j = <u32>((<u64>draw(key, i) * (i + 1)) >>> 32);
    store<u32>(order + ((<usize>i) << 2), load<u32>(order + ((<usize>j) << 2)));
    store<u32>(order + ((<usize>j) << 2), i);
  }
}

/**
 * Returns element i of a random permutation of 0 .. n-1 without storing the permutation: a Feistel network of four
 * rounds permutes the next power of 4, and numbers beyond n are permuted again. n is at least a quarter of this power,
 * so few are permuted again.
 *
 * Source: Black and Rogaway 2002 (doi:10.1007/3-540-45760-7_9), cycle walking.
 *
 * @param n 1 to 2^32 - 1
 */
export function permutedAt(i: u32, n: u32, key: u32): u32 {
  const half: u32 = (33 - clz<u32>(n - 1)) >>> 1;
  const mask: u32 = (1 << half) - 1;
  do {
    let left = i >>> half;
    let right = i & mask;
    for (let round: u32 = 0; round < 4; round++) {
      const next = left ^ (draw(draw(key, round), right) & mask);
      left = right;
      right = next;
    }
    i = (left << half) | right;
  } while (i >= n);
  return i;
}

// Each number of an initial vector is a hash of (seed, feature's hash, dimension), so a feature starts from the same
// vector in every vocabulary, on any thread; a longer vector begins with the numbers of a shorter one.

/** Returns the random key of a feature's initial values. @param hash address of u32[2], the feature's hash */
export function featureKey(seed: u32, hash: usize): u32 {
  return draw(draw(seed, load<u32>(hash)), load<u32>(hash, 4));
}

/** Returns the initial value of one dimension, uniform in [-spread, spread). */
export function firstValue(key: u32, dimension: u32, spread: f32): f32 {
  // the upper 24 bits represent an f32 in [0, 1) exactly
  const unit = <f32>(draw(key, dimension) >>> 8) * <f32>5.9604644775390625e-8;
  return (unit * 2 - 1) * spread;
}
