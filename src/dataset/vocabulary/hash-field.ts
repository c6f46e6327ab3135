// A field without a vocabulary: its keys are hashed to 2^bits buckets, each of which has a feature.
//
//   bucket = MurmurHash3_x86_32(the key's UTF-8 bytes, seed) mod 2^bits, where bucket n has the key #n and the id n + 1
//
// Source: Weinberger et al. 2009 (arXiv:0902.2206), without the sign; MurmurHash3: Appleby 2011, public domain.

import type { Keys } from "../../log/keys.js";
import { UsageError } from "../../base/errors.js";
import { finish, mixWord } from "../../base/numeric/hash.js";

export const MAX_BITS = 24;

/** Parameters of the hash, with which a server computes the same buckets. */
export interface HashRecipe {
  function: "murmur3-x86-32";
  seed: number;
  bits: number;
}

/** Numbers of collisions: distinct keys of the training split that share their bucket with another key. */
export interface HashStatistics extends HashRecipe {
  keys: number;
  /** number of buckets that contain a key */
  usedBuckets: number;
  collisionShare: number;
}

/** Returns the hash parameters of a field. @throws {UsageError} the number of bits is out of range */
export function hashRecipe(field: string, bits: number): HashRecipe {
  if (!(Number.isInteger(bits) && bits >= 1 && bits <= MAX_BITS)) {
    throw new UsageError(
      `--hash ${field}: bits must be between 1 and ${MAX_BITS} (20 is 1,048,576 rows), got ${bits}`,
    );
  }
  return { function: "murmur3-x86-32", seed: 0, bits };
}

/** @throws {UsageError} an earlier table has another number of buckets, so that rows could not keep their positions */
export function checkBuckets(field: string, { bits }: HashRecipe, earlier: Keys | undefined): void {
  if (!earlier || earlier.size === 2 ** bits) return;
  throw new UsageError(
    `--row-order cannot keep the ${earlier.size} rows of '${field}', because --hash needs ${2 ** bits}: use ` +
      "the same number of bits",
  );
}

/** Returns u32[dictionary.size]: the bucket of each key. */
export function bucketsOf({ bytes, offsets, size }: Keys, { seed, bits }: HashRecipe): Uint32Array {
  const mask = 2 ** bits - 1;
  const buckets = new Uint32Array(size);
  for (let code = 0; code < size; code++)
    buckets[code] = murmur3(bytes, offsets[code]!, offsets[code + 1]!, seed) & mask;
  return buckets;
}

/** Returns the keys of the buckets, `#0`, `#1`, ..., in order. */
export function bucketKeys({ bits }: HashRecipe): Keys {
  const size = 2 ** bits;
  const offsets = new Uint32Array(size + 1);
  for (let n = 0; n < size; n++) offsets[n + 1] = offsets[n]! + 1 + numDigits(n);
  const bytes = new Uint8Array(offsets[size]!);
  for (let n = 0; n < size; n++) {
    bytes[offsets[n]!] = 0x23; // the byte of #, with which each key starts
    for (let at = offsets[n + 1]! - 1, left = n; at > offsets[n]!; at--, left = Math.floor(left / 10))
      bytes[at] = 0x30 + (left % 10);
  }
  return { size, bytes, offsets };
}

/** @param events u32[buckets.length]: events of each key in the training split; keys without events are ignored */
export function hashStatistics(
  recipe: HashRecipe,
  buckets: Uint32Array,
  events: Uint32Array,
): HashStatistics {
  const keysIn = new Uint32Array(2 ** recipe.bits);
  let keys = 0;
  buckets.forEach((bucket, code) => {
    if (events[code] === 0) return;
    keys++;
    keysIn[bucket]!++;
  });
  const alone = keysIn.reduce((sum, n) => sum + (n === 1 ? 1 : 0), 0);
  const usedBuckets = keysIn.reduce((sum, n) => sum + (n > 0 ? 1 : 0), 0);
  return { ...recipe, keys, usedBuckets, collisionShare: keys === 0 ? 0 : (keys - alone) / keys };
}

/** Returns MurmurHash3_x86_32 of bytes[from .. to), u32. */
export function murmur3(bytes: Uint8Array, from: number, to: number, seed: number): number {
  let h = seed | 0;
  let i = from;
  for (; i + 4 <= to; i += 4)
    h = mixWord(h, bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
  // MurmurHash3 mixes the last one to three bytes without the rotation that complete words get
  let tail = 0;
  for (let shift = 0; i < to; i++, shift += 8) tail |= bytes[i]! << shift;
  let k = Math.imul(tail, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  return finish(h ^ k ^ (to - from));
}

function numDigits(n: number): number {
  let digits = 1;
  for (let bound = 10; n >= bound; bound *= 10) digits++;
  return digits;
}
