// Whether items that are near each other are called alike.
//
//   N(i)      the k nearest others of item i; min(k, n - 1) of them
//   share(i)  share of N(i) that has a label in common with i: of several, one is enough
//   chance(i) share of all others that has: what vectors without meaning give
//
// An item whose vector is zero is near nothing: its share is 0.

import { mapTo } from "../numeric/indices.js";
import { NO_ITEM } from "../kernels/top-items/binding.js";
import { labelsOfItem, type ItemLabels } from "./item-labels.js";

/**
 * f64[numItems]: share(i) of each item.
 *
 * @param nearest u32[numItems * most], nearest first; NO_ITEM where there are fewer
 * @param k       the first so many of them, <= most
 */
export function sharedLabels(items: ItemLabels, nearest: Uint32Array, most: number, k: number): Float64Array {
  // the item that last had the label
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

/** f64[numItems]: chance(i) of each item. */
export function sharedByChance(items: ItemLabels): Float64Array {
  const { numItems, numLabels } = items;
  const itemsOf: number[][] = Array.from({ length: numLabels }, () => []);
  for (let i = 0; i < numItems; i++) for (const label of labelsOfItem(items, i)) itemsOf[label]!.push(i);
  // items of the same labels have the same chance
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

/** u8[n]: 1 for the half of the items with the fewest events, ties in their order; the smaller half of an odd number. */
export function rarerHalf(counts: ArrayLike<number>): Uint8Array {
  const order = Array.from({ length: counts.length }, (_, i) => i).sort(
    (a, b) => counts[a]! - counts[b]! || a - b,
  );
  const rare = new Uint8Array(counts.length);
  for (const i of order.slice(0, Math.floor(counts.length / 2))) rare[i] = 1;
  return rare;
}
