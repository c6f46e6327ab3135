/**
 * Sorts ids by their keys, equal keys in their order: merging runs of 1, 2, 4, ... from one array to the other.
 *
 * @param ids   u32[n]
 * @param other u32[n], overwritten
 * @param keys  f64 by id
 * @returns the one of the two arrays that holds the result
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
