// Measures whether items that are close to each other have the same labels.
//
//   N(i)      the k nearest other items of item i, or all n - 1 if there are fewer
//   share(i)  share of N(i) that has at least one label in common with i
//   chance(i) share of all other items with a label in common with i, which is the expected share for random vectors
//
// An item with a zero vector has no neighbors, and its share is 0.

import { mapTo } from "../numeric/indices.js";
import { NO_ITEM } from "../kernels/top-items/binding.js";
import { labelsOfItem, type ItemLabels } from "./item-labels.js";

/**
 * Returns f64[numItems]: the share of each item's k nearest items that have a label in common with it.
 *
 * @param nearest u32[numItems * most], nearest first, padded with NO_ITEM
 * @param k number of neighbors to use, <= most
 */
export function sharedLabels(items: ItemLabels, nearest: Uint32Array, most: number, k: number): Float64Array {
  // by label: the last of the items so far that has the label
  const owner = new Uint32Array(items.numLabels).fill(NO_ITEM);
  return mapTo(Float64Array, { length: items.numItems }, (_, i) => {
    for (const label of labelsOfItem(items, i)) owner[label] = i;
    let shared = 0;
    for (const other of nearest.subarray(i * most, i * most + k)) {
      if (other !== NO_ITEM && labelsOfItem(items, other).some((label) => owner[label] === i)) shared++;
    }
    return shared / k;
  });
}

/** Returns f64[numItems]: the share of all other items that have a label in common with each item. */
export function sharedByChance(items: ItemLabels): Float64Array {
  const { numItems, numLabels } = items;
  const itemsOf: number[][] = Array.from({ length: numLabels }, () => []);
  for (let i = 0; i < numItems; i++) for (const label of labelsOfItem(items, i)) itemsOf[label]!.push(i);
  // computes the share once for all items with the same labels
  const known = new Map<string, number>();
  return mapTo(Float64Array, { length: numItems }, (_, i) => {
    const own = labelsOfItem(items, i);
    const name = own.toSorted().join();
    if (!known.has(name)) {
      const alike = new Set([...own].flatMap((label) => itemsOf[label]!));
      known.set(name, (alike.size - 1) / (numItems - 1));
    }
    return known.get(name)!;
  });
}

/** Returns u8[n]: 1 for the half of the items with the fewest events, rounded down; ties are in item order. */
export function rarerHalf(counts: ArrayLike<number>): Uint8Array {
  const order = Array.from({ length: counts.length }, (_, i) => i).sort(
    (a, b) => counts[a]! - counts[b]! || a - b,
  );
  const rare = new Uint8Array(counts.length);
  for (const i of order.slice(0, Math.floor(counts.length / 2))) rare[i] = 1;
  return rare;
}
