// 64-bit hashes of keys and rows, as two 32-bit halves. They determine results that must not depend on the order or the
// number of keys, such as random splits and initial vectors.
//
// Source: MurmurHash3 (Appleby 2011, public domain), the 32-bit variant run with two seeds.

const HALF_SEED = 0x9e3779b9;

/** Two independent unsigned 32-bit halves. */
export interface Hash64 {
  lo: number;
  hi: number;
}

/** Returns the hash of bytes[from .. to). @param seed two halves, for example another hash */
export function hashBytes(bytes: Uint8Array, from: number, to: number, seed: Hash64): Hash64 {
  return { lo: murmur32(bytes, from, to, seed.lo), hi: murmur32(bytes, from, to, seed.hi ^ HALF_SEED) };
}

/** Returns the hash of a text's UTF-8 bytes. */
export function hashText(text: string, seed: Hash64 = { lo: 0, hi: 0 }): Hash64 {
  const bytes = Buffer.from(text, "utf8");
  return hashBytes(bytes, 0, bytes.length, seed);
}

/** Mixes a word into a running 32-bit hash; call `finish` after the last word. */
export function mixWord(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  h ^= k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** Returns the final u32 hash, in which the last word affects all bits. */
export function finish(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function murmur32(bytes: Uint8Array, from: number, to: number, seed: number): number {
  let h = seed | 0;
  let i = from;
  for (; i + 4 <= to; i += 4) {
    h = mixWord(h, bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
  }
  // mixes the last one to three bytes, and the length
  let tail = 0;
  for (let shift = 0; i < to; i++, shift += 8) tail |= bytes[i]! << shift;
  return finish(mixWord(h, tail) ^ (to - from));
}

// Counter-based random numbers: the n-th number of a stream is a hash of (stream, n), so that results do not depend on
// the order of the draws.

/** Returns the key of a stream of random numbers: a hash of numbers such as seed, epoch and row. */
export function streamOf(...names: number[]): number {
  return finish(names.reduce(mixWord, 0x2545f491));
}

/** Returns the n-th random number of a stream as a number in [0, 1). */
export function uniformAt(stream: number, n: number): number {
  return finish(mixWord(stream, n)) / 2 ** 32;
}

/**
 * Shuffles the numbers in place (Fisher and Yates; Knuth 1969, algorithm P).
 *
 * @param others arrays of the same length, which get the same order
 */
export function shuffle(
  numbers: Uint32Array,
  stream: number,
  ...others: readonly (Uint32Array | Float32Array)[]
): void {
  for (let i = numbers.length - 1; i > 0; i--) {
    const j = Math.floor(uniformAt(stream, i) * (i + 1));
    [numbers[i], numbers[j]] = [numbers[j]!, numbers[i]!];
    for (const other of others) [other[i], other[j]] = [other[j]!, other[i]!];
  }
}
