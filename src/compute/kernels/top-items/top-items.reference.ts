// The best items of each query, found by comparing all items: the definition of correct for assembly/main.ts, bit for
// bit.

import { NO_ITEM, type TopItems, type TopItemsInput } from "./binding.js";

/**
 * Returns the `top` items with the highest weight_i + <query, item>, best first; ties are sorted by item. Scores are
 * f32 sums in the order of the dimensions.
 *
 * @returns rows of `top` items; NO_ITEM fills a row if fewer scores are above -Infinity
 */
export function referenceTopItems(input: TopItemsInput, top: number): TopItems {
  const { dim, queries, items, weights, masks } = input;
  const [numQueries, numItems] = [queries.length / dim, items.length / dim];
  const found = {
    items: new Uint32Array(numQueries * top).fill(NO_ITEM),
    scores: new Float32Array(numQueries * top),
  };
  found.scores.fill(-Infinity);
  const scores = new Float32Array(numItems);
  for (let q = 0; q < numQueries; q++) {
    const masked = new Set(masks.items.subarray(masks.indptr[q], masks.indptr[q + 1]));
    const scored: number[] = [];
    for (let item = 0; item < numItems; item++) {
      if (masked.has(item)) continue;
      let score = weights ? weights[item]! : 0;
      for (let d = 0, x = q * dim, y = item * dim; d < dim; d++)
        score = Math.fround(score + Math.fround(queries[x + d]! * items[y + d]!));
      scores[item] = score;
      if (score > -Infinity) scored.push(item);
    }
    const best = scored.sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, top);
    found.items.set(best, q * top);
    best.forEach((item, rank) => (found.scores[q * top + rank] = scores[item]!));
  }
  return found;
}
