// Hashing of keys for the scanner's tables. The hash affects only the speed of a lookup, never the code of a key.

const K: u64 = 0x9e3779b97f4a7c15; // odd integer next to 2^64 / golden ratio

/**
 * Returns the tag of a key: its bytes if they are at most 8 (equal tags of equal lengths then mean equal keys), else a
 * hash of all bytes, 8 at a time.
 *
 * Reads 8 bytes from `key` even if it is shorter.
 *
 * @param len number of bytes of the key, at least 1
 */
export function tagOf(key: usize, len: u32): u64 {
  if (len <= 8) return load<u64>(key) & (u64.MAX_VALUE >> ((8 - len) << 3));
  const last = key + len - 8;
  let h: u64 = len;
  for (let p = key; p < last; p += 8) {
    h = (h ^ load<u64>(p)) * K;
    h ^= h >> 29;
  }
  h = (h ^ load<u64>(last)) * K; // the last eight bytes may overlap the block before
  return h ^ (h >> 32);
}

/**
 * Hashes a tag to 32 bits. It multiplies twice, because after one multiplication the low bits do not depend on the high
 * bits.
 */
export function slotOf(tag: u64, len: u32): u32 {
  let h = (tag ^ ((<u64>len) << 59)) * K;
  h = (h ^ (h >> 32)) * K;
  return <u32>(h >> 32);
}
