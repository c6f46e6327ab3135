// Random draws that are determined by (key, counter), and permutations from them; ../../compute/kernels/shared/assembly/random.ts
// computes the same bits.

/** Returns the u32 hash of a key and a counter, both u32. */
export function draw(key: number, counter: number): number {
  let x = (key + Math.imul(counter, 0x9e3779b9)) | 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x21f0aaad);
  x ^= x >>> 15;
  x = Math.imul(x, 0xd35a2d97);
  x ^= x >>> 15;
  return x >>> 0;
}

/** Returns draw number `counter` of a key's stream, uniform in [-1, 1). */
export function signedDraw(key: number, counter: number): number {
  return draw(key, counter) / 2 ** 31 - 1;
}

/** Returns a random permutation of 0 .. n-1 (Fisher and Yates, from the front), the same as the kernels draw. */
export function permutation(n: number, key: number): Uint32Array {
  const order = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    // a 32-bit draw times (i + 1) is below 2^53, so the f64 product is exact
    const j = Math.floor((draw(key, i) * (i + 1)) / 2 ** 32);
    order[i] = order[j]!;
    order[j] = i;
  }
  return order;
}

/**
 * Returns element i of a random permutation of 0 .. n-1 without storing it: a Feistel network with four rounds permutes
 * the numbers below the next power of 4, and results >= n are permuted again.
 *
 * Source: Black and Rogaway 2002 (doi:10.1007/3-540-45760-7_9), cycle walking.
 *
 * @param n 1 to 2^32 - 1
 */
export function permutedAt(i: number, n: number, key: number): number {
  const half = (33 - Math.clz32(n - 1)) >>> 1;
  const size = 2 ** half;
  let place = i;
  do {
    let [left, right] = [Math.floor(place / size), place % size];
    for (let round = 0; round < 4; round++)
      [left, right] = [right, left ^ (draw(draw(key, round), right) % size)];
    place = left * size + right;
  } while (place >= n);
  return place;
}

/** Returns the order in which an epoch reads its blocks of 4,096 rows. `epochKey` identifies the epoch. */
export function blockOrder(numBlocks: number, epochKey: number): Uint32Array {
  return permutation(numBlocks, draw(epochKey, 0xffffffff));
}

/** Returns the random key by which an epoch permutes the rows of a block; never 0, which denotes file order. */
export function blockKey(epochKey: number, block: number): number {
  return draw(epochKey, block) || 1;
}

/**
 * Returns the order in which an epoch reads its blocks of rows, and the key of each block's permutation; without a key,
 * both are the file order.
 */
export function blockVisits(
  numBlocks: number,
  epochKey: number | undefined,
): { order: Uint32Array | undefined; keys: Uint32Array | 0 } {
  if (epochKey === undefined) return { order: undefined, keys: 0 };
  const order = blockOrder(numBlocks, epochKey);
  return { order, keys: order.map((block) => blockKey(epochKey, block)) };
}
