// Lists of the best items that were offered, best first: an array of scores and one of items.

/**
 * Returns whether a query must not find an item.
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

/**
 * Inserts an item into a sorted list, after items with an equal score, and drops the list's last item.
 *
 * @param scores,found f32[top] and u32[top]
 * @param score score of the item, above the list's last score
 */
export function insertBest(scores: usize, found: usize, top: u32, item: u32, score: f32): void {
  let at = (<usize>(top - 1)) << 2;
  while (at > 0 && load<f32>(scores + at - 4) < score) {
    store<f32>(scores + at, load<f32>(scores + at - 4));
    store<u32>(found + at, load<u32>(found + at - 4));
    at -= 4;
  }
  store<f32>(scores + at, score);
  store<u32>(found + at, item);
}

/** Of equal scores, the greater item is worse. */
function isWorse(scoreA: f32, itemA: u32, scoreB: f32, itemB: u32): bool {
  return scoreA < scoreB || (scoreA === scoreB && itemA > itemB);
}

/**
 * Replaces the worst item of a heap of `top` items, which is at the root, by an item. Used for long lists, in which
 * insertBest would move many elements.
 *
 * @param scores,found f32[top] and u32[top]: free positions contain -Infinity and the largest u32
 * @param score score of the item, above the root's
 */
export function replaceWorst(scores: usize, found: usize, top: u32, item: u32, score: f32): void {
  let at: u32 = 0;
  for (;;) {
    let child: u32 = 2 * at + 1;
    if (child >= top) break;
    let childScore = load<f32>(scores + ((<usize>child) << 2));
    let childItem = load<u32>(found + ((<usize>child) << 2));
    if (child + 1 < top) {
      const right = (<usize>(child + 1)) << 2;
      const rightScore = load<f32>(scores + right);
      const rightItem = load<u32>(found + right);
      if (isWorse(rightScore, rightItem, childScore, childItem)) {
        child++;
        childScore = rightScore;
        childItem = rightItem;
      }
    }
    if (!isWorse(childScore, childItem, score, item)) break;
    store<f32>(scores + ((<usize>at) << 2), childScore);
    store<u32>(found + ((<usize>at) << 2), childItem);
    at = child;
  }
  store<f32>(scores + ((<usize>at) << 2), score);
  store<u32>(found + ((<usize>at) << 2), item);
}

/** Sorts the items of a heap: best item first; items with equal scores in ascending order. */
export function sortHeap(scores: usize, found: usize, top: u32): void {
  for (let end = top - 1; end > 0; end--) {
    const last = (<usize>end) << 2;
    const score = load<f32>(scores + last);
    const item = load<u32>(found + last);
    store<f32>(scores + last, load<f32>(scores));
    store<u32>(found + last, load<u32>(found));
    replaceWorst(scores, found, end, item, score);
  }
}
