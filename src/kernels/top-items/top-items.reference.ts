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
  for (let q = 0; q < numQueries; q++) {
    const masked = new Set(masks.items.subarray(masks.indptr[q], masks.indptr[q + 1]));
    const scored = Array.from({ length: numItems }, (_, item) => {
      let score = weights?.[item] ?? 0;
      for (let d = 0; d < dim; d++) {
        score = Math.fround(score + Math.fround(queries[q * dim + d]! * items[item * dim + d]!));
      }
      return { item, score };
    });
    scored
      .filter(({ item, score }) => score > -Infinity && !masked.has(item))
      .sort((a, b) => b.score - a.score || a.item - b.item)
      .slice(0, top)
      .forEach(({ item, score }, rank) => {
        found.items[q * top + rank] = item;
        found.scores[q * top + rank] = score;
      });
  }
  return found;
}
