// Recall and NDCG where many items have one score: expectations over the order of equals.
//
//   A drawn order of equals is one draw for all users, who often want the same items: its luck can be most of a figure. Here a rank that a
//   block of M equals may fill with any of its members holds a held-out item with probability h / M, h of them being held out.
//
//   E Recall@K = Σ_r h_r / M_r / |H|        E DCG@K = Σ_r h_r / M_r / log2(r + 1)        r = 1 .. K
//
// Items are equal when their vectors and weights are, byte for byte. Source: McSherry and Najork 2008 (ECIR), sections 3.2 and 3.7.

import { mapTo } from "../numeric/indices.js";
import { NO_ITEM, type ItemLists } from "../kernels/top-items/binding.js";
import { log } from "../numeric/exp.js";
import { hashBytes } from "../numeric/hash.js";
import type { UserMetric } from "./user-metric.js";

/** u32[numItems]: items with one number have the same vector and weight. @param items f32[numItems * dim] */
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
 * Expected recallAtK and ndcgAtK of ranked lists in which equals stand side by side.
 *
 * @param ranked  u32[numQueries * top], best first, masked items left out; NO_ITEM where a list ends
 * @param ks      each at most `top`
 * @param masks   a list a query
 * @param heldOut a list a query: not empty, and without masked items
 * @param blockOf u32[numItems] as blocksOfEquals has them
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

/** By block: how many of the items are in it. */
function countsIn(items: Uint32Array, blockOf: Uint32Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (const item of items)
    if (item !== NO_ITEM) counts.set(blockOf[item]!, (counts.get(blockOf[item]!) ?? 0) + 1);
  return counts;
}
