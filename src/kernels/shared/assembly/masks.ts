// Masks: for each query, a list of items that it must not find, in compressed sparse rows.

/**
 * Returns whether an item is masked for a query.
 *
 * @param ends  u32[numQueries + 1]: the items masked for the query are masks[ends[query] .. ends[query + 1]), ascending
 * @param masks u32
 */
export function isMasked(ends: usize, masks: usize, query: u32, item: u32): bool {
  const own = ends + ((<usize>query) << 2);
  let low = load<u32>(own);
  const last = load<u32>(own, 4);
  let high = last;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (load<u32>(masks + ((<usize>middle) << 2)) < item) low = middle + 1;
    else high = middle;
  }
  return low < last && load<u32>(masks + ((<usize>low) << 2)) == item;
}
