// Random numbers named by what they are for: a draw is a hash of (key, counter), so nothing depends on who draws first.
// Twin: ../../../numeric/random.ts. Mixing function: Chris Wellons' "lowbias32" (hash-prospector, 2018).

/** u32 hash of a key and a counter. */
export function draw(key: u32, counter: u32): u32 {
  let x = key + counter * 0x9e3779b9;
  x ^= x >>> 16;
  x *= 0x21f0aaad;
  x ^= x >>> 15;
  x *= 0xd35a2d97;
  x ^= x >>> 15;
  return x;
}

/**
 * Writes a random permutation of 0 .. n-1 (Fisher and Yates, from the front).
 *
 * @param order u32[n]
 */
export function permute(order: usize, n: u32, key: u32): void {
  for (let i: u32 = 0; i < n; i++) {
    // j is uniform in 0 .. i up to i / 2^32
    const j = <u32>((<u64>draw(key, i) * (i + 1)) >>> 32);
    store<u32>(order + ((<usize>i) << 2), load<u32>(order + ((<usize>j) << 2)));
    store<u32>(order + ((<usize>j) << 2), i);
  }
}
