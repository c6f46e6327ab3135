/**
 * Sorts ids by their keys, stably, by merge sort: merges runs of 1, 2, 4, ... ids from one array to the other.
 *
 * @param ids   u32[n]
 * @param other u32[n], overwritten
 * @param keys  f64 by id
 * @returns the array with the result: `ids` or `other`
 */
export function sortByKey(ids: usize, other: usize, n: i32, keys: usize): usize {
  let from = ids;
  let to = other;
  for (let run = 1; run < n; run <<= 1) {
    for (let start = 0; start < n; start += 2 * run) {
      const middle = min(start + run, n);
      const end = min(start + 2 * run, n);
      let a = start;
      let b = middle;
      for (let k = start; k < end; k++) {
        const takeA = a < middle && (b >= end || keyAt(from, a, keys) <= keyAt(from, b, keys));
        store<u32>(to + ((<usize>k) << 2), load<u32>(from + ((<usize>(takeA ? a : b)) << 2)));
        if (takeA) a++;
        else b++;
      }
    }
    const swap = from;
    from = to;
    to = swap;
  }
  return from;
}

function keyAt(ids: usize, i: i32, keys: usize): f64 {
  return load<f64>(keys + ((<usize>load<u32>(ids + ((<usize>i) << 2))) << 3));
}

/** Bits per digit, and digits of an f64. */
const DIGIT_BITS: u64 = 11;
const NUM_DIGITS: usize = 6;
const NUM_BUCKETS: usize = 1 << 11;
/** Bytes of u32[NUM_DIGITS][NUM_BUCKETS]. */
export const SORT_COUNTS_BYTES: usize = 49152;

/**
 * Sorts numbers in ascending order, -0 before 0; NaN is not allowed.
 *
 * This is a radix sort over the numbers' bits, least significant digit first, several times as fast as sorting by
 * comparison. A digit that is equal in all numbers is skipped. Source: Knuth 1998, The Art of Computer Programming 3,
 * section 5.2.5, algorithm R.
 *
 * @param numbers f64[n], n at least 1
 * @param other   f64[n], overwritten
 * @param counts  u32[NUM_DIGITS][NUM_BUCKETS], overwritten
 */
export function sortNumbers(numbers: usize, n: i32, other: usize, counts: usize): void {
  const end = numbers + ((<usize>n) << 3);
  memory.fill(counts, 0, SORT_COUNTS_BYTES);
  for (let at = numbers; at < end; at += 8) {
    // map the bits of f64 to unsigned integers of the same order: inverts all bits of a negative number, and the sign
    // bit of any other
    const given = load<i64>(at);
    const bits = given ^ ((given >> 63) | i64.MIN_VALUE);
    store<i64>(at, bits);
    for (let d: usize = 0; d < NUM_DIGITS; d++) {
      const count = counts + ((d * NUM_BUCKETS + digit(bits, d)) << 2);
      store<u32>(count, load<u32>(count) + 1);
    }
  }
  let from = numbers;
  let to = other;
  for (let d: usize = 0; d < NUM_DIGITS; d++) {
    const places = counts + ((d * NUM_BUCKETS) << 2);
    if (load<u32>(places + (digit(load<i64>(from), d) << 2)) == <u32>n) continue;
    // replaces the number of elements of each bucket by the position of its next element
    let next = to;
    for (let b: usize = 0; b < NUM_BUCKETS; b++) {
      const count = <usize>load<u32>(places + (b << 2));
      store<u32>(places + (b << 2), <u32>next);
      next += count << 3;
    }
    for (let i: usize = 0; i < <usize>n; i++) {
      const bits = load<i64>(from + (i << 3));
      const place = places + (digit(bits, d) << 2);
      const at = <usize>load<u32>(place);
      store<i64>(at, bits);
      store<u32>(place, <u32>at + 8);
    }
    const swap = from;
    from = to;
    to = swap;
  }
  for (let i: usize = 0; i < <usize>n; i++) {
    const bits = load<i64>(from + (i << 3));
    store<i64>(numbers + (i << 3), bits ^ ((~bits >> 63) | i64.MIN_VALUE));
  }
}

function digit(bits: i64, d: usize): usize {
  return <usize>(<u64>bits >> (<u64>d * DIGIT_BITS)) & (NUM_BUCKETS - 1);
}
