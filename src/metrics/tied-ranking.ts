// Expected recall and NDCG over all orders of items with equal scores.
//
// A random order of ties would be the same for all users, who often choose the same items, so that chance could
// dominate the metric. Instead, a rank that belongs to a block of M equal items contains a held-out item with
// probability h / M, where h items of the block are held out.
//
//   E Recall@K = Σ_r h_r / M_r / |H|        E DCG@K = Σ_r h_r / M_r / log2(r + 1)        r = 1 .. K
//
// Items are equal if the bytes of their vectors and weights are equal. Source: McSherry and Najork 2008 (ECIR),
// sections 3.2 and 3.7.

import { mapTo } from "../base/numeric/indices.js";
import { NO_ITEM, type ItemLists } from "../compute/kernels/top-items/binding.js";
import { log } from "../base/numeric/exp.js";
import { hashBytes } from "../base/numeric/hash.js";
import type { UserMetric } from "./user-metric.js";

/**
 * Returns u32[numItems]: the block of each item. Items of a block have equal vectors and weights.
 *
 * @param items f32[numItems * dim]
 */
export function blocksOfEquals(items: Float32Array, weights: Float32Array, dim: number): Uint32Array {
  const numbers = new Map<string, number>();
  const bytes = new Uint8Array(items.buffer, items.byteOffset, items.byteLength);
  const width = 4 * dim;
  return mapTo(Uint32Array, weights, (weight, item) => {
    const { lo, hi } = hashBytes(bytes, item * width, (item + 1) * width, { lo: 0x65717561, hi: 0x6c697479 });
    const key = `${lo} ${hi} ${weight}`;
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
}

/**
 * Returns the expected recallAtK and ndcgAtK of ranked lists in which equal items are adjacent.
 *
 * @param ranked u32[numQueries * top], best first, without masked items, padded with NO_ITEM
 * @param ks each at most `top`
 * @param masks one list per query
 * @param heldOut one list per query: nonempty, without masked items
 * @param blockOf u32[numItems], result of blocksOfEquals
 */
export function expectedMetrics(
  ranked: Uint32Array,
  top: number,
  ks: readonly number[],
  { masks, heldOut }: { masks: ItemLists; heldOut: ItemLists },
  blockOf: Uint32Array,
): UserMetric[] {
  const numQueries = heldOut.indptr.length - 1;
  const gains = mapTo(Float64Array, { length: top }, (_, r) => Math.LN2 / log(r + 2));
  const ideal = new Float64Array(top + 1);
  gains.forEach((gain, r) => (ideal[r + 1] = ideal[r]! + gain));
  const sizes = new Uint32Array(blockOf.length);
  for (const block of blockOf) sizes[block]!++;
  const recalls = ks.map(() => new Float64Array(numQueries));
  const ndcgs = ks.map(() => new Float64Array(numQueries));
  for (let q = 0; q < numQueries; q++) {
    const wanted = heldOut.items.subarray(heldOut.indptr[q], heldOut.indptr[q + 1]);
    const heldIn = countsIn(wanted, blockOf);
    const maskedIn = countsIn(masks.items.subarray(masks.indptr[q], masks.indptr[q + 1]), blockOf);
    const chances = mapTo(Float64Array, { length: top }, (_, r) => {
      const item = ranked[q * top + r]!;
      if (item === NO_ITEM) return 0;
      const block = blockOf[item]!;
      const held = heldIn.get(block);
      return held === undefined ? 0 : held / (sizes[block]! - (maskedIn.get(block) ?? 0));
    });
    ks.forEach((k, i) => {
      let [hits, dcg] = [0, 0];
      for (let r = 0; r < k; r++) {
        hits += chances[r]!;
        dcg += chances[r]! * gains[r]!;
      }
      recalls[i]![q] = hits / wanted.length;
      ndcgs[i]![q] = dcg / ideal[Math.min(k, wanted.length)]!;
    });
  }
  return ks.flatMap((k, i) => [
    { name: `recallAt${k}`, sums: recalls[i]! },
    { name: `ndcgAt${k}`, sums: ndcgs[i]! },
  ]);
}

function countsIn(items: Uint32Array, blockOf: Uint32Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (const item of items)
    if (item !== NO_ITEM) counts.set(blockOf[item]!, (counts.get(blockOf[item]!) ?? 0) + 1);
  return counts;
}
