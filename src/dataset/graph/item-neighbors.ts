// Finds the most important neighbors of each item: the items that a walk of two steps, to a user of the item and on to
// an item of that user, reaches most often.
//
//   d_i, d_u   users of item i, items of user u; a pair counts once, however many events it has
//   p(j | i)   sum over the common users u of 1 / (d_i d_u)
//
// Source: Ying et al. 2018 (arXiv:1806.01973), section 3.1, importance-based neighborhoods. Deviation: probabilities
// are summed exactly, where PinSage counts the visits of random walks of any length. The cost is the sum over users of
// d_u^2; for a user with more than 1,000 items the second step is restricted to a sample of 1,000, a hash of (seed,
// user, item): sum of d_u min(d_u, 1000).

import { groupStarts } from "../../base/numeric/groups.js";
import { ascending } from "../../base/numeric/indices.js";
import { compareKeys, type Keys } from "../../log/keys.js";
import { draw } from "../../base/numeric/random.js";
import { forEachPair, type FeatureRows } from "../rows.js";

/** Maximum number of items of a user that the second step of the walk can reach. */
export const WALKED_ITEMS = 1000;

interface UserItems {
  /** start of each user's items, u32[numUsers + 1] */
  indptr: Uint32Array;
  /** items of all users, u32 */
  items: Uint32Array;
}

/** Neighbors of each item by descending probability. */
export interface ItemNeighbors {
  /** u32[numItems + 1]: item i has the neighbors indptr[i] .. indptr[i + 1) */
  indptr: Uint32Array;
  /** neighbors of all items, u32 */
  items: Uint32Array;
  /** f64: probabilities p(j | i), normalized so that those of each item with neighbors sum to 1 */
  weights: Float64Array;
  /** number of users who have more items than the limit, so that their items were sampled */
  sampledUsers: number;
}

/**
 * Returns the items that the walk visits most often from each item, without the item itself. Probabilities are summed
 * in ascending order of d_u, so that the result does not depend on the order of the events. Items whose users have the
 * same degrees get bit-identical sums; ties are ordered by the bytes of the keys.
 *
 * @param keys keys of the items
 * @param most maximum number of neighbors per item
 * @param walked maximum number of items of a user that the second step can reach
 */
export function importanceNeighbors(
  history: UserItems,
  keys: Keys,
  most: number,
  seed: number,
  walked = WALKED_ITEMS,
): ItemNeighbors {
  const { indptr, items } = history;
  const numItems = keys.size;
  const { usersOf, order } = usersByItem(history, numItems);
  const samples = new Map<number, Uint32Array>();
  for (const user of order) {
    const own = items.subarray(indptr[user], indptr[user + 1]);
    if (own.length > walked) samples.set(user, sampleItems(own, walked, draw(seed, user)));
  }

  const sums = new Float64Array(numItems);
  const touched = new Uint32Array(numItems);
  const best = { items: new Uint32Array(most), size: 0 };
  const ends = new Uint32Array(numItems + 1);
  const found: number[] = [];
  const weights: number[] = [];
  for (let item = 0; item < numItems; item++) {
    // computes, for each other item, the probability that a walk of two steps (item, user, item) ends at it, multiplied
    // by the number of users of the first item
    let numTouched = 0;
    for (let at = usersOf.indptr[item]!; at < usersOf.indptr[item + 1]!; at++) {
      const user = usersOf.users[at]!;
      const sample = samples.get(user);
      const list = sample ?? items;
      const [from, end] = sample ? [0, sample.length] : [indptr[user]!, indptr[user + 1]!];
      const chance = 1 / (end - from);
      for (let i = from; i < end; i++) {
        const other = list[i]!;
        if (sums[other] === 0) touched[numTouched++] = other;
        sums[other]! += chance;
      }
    }
    sums[item] = 0;

    // selects the items with the highest probabilities, in descending order
    best.size = 0;
    const isBefore = (a: number, b: number) =>
      sums[a]! > sums[b]! || (sums[a] === sums[b] && compareKeys(keys, a, b) < 0);
    for (let i = 0; i < numTouched; i++) if (sums[touched[i]!]! > 0) offer(best, touched[i]!, isBefore);
    let total = 0;
    for (let n = 0; n < best.size; n++) total += sums[best.items[n]!]!;
    for (let n = 0; n < best.size; n++) {
      found.push(best.items[n]!);
      weights.push(sums[best.items[n]!]! / total);
    }
    ends[item + 1] = found.length;
    for (let i = 0; i < numTouched; i++) sums[touched[i]!] = 0;
  }
  return {
    indptr: ends,
    items: Uint32Array.from(found),
    weights: Float64Array.from(weights),
    sampledUsers: samples.size,
  };
}

/** Inserts an item into the sorted list of the best items, which has room for `items.length` of them. */
function offer(
  best: { items: Uint32Array; size: number },
  item: number,
  isBefore: (a: number, b: number) => boolean,
): void {
  const { items } = best;
  let at = best.size;
  if (at === items.length) {
    if (!isBefore(item, items[at - 1]!)) return;
    at--;
  } else {
    best.size++;
  }
  for (; at > 0 && isBefore(item, items[at - 1]!); at--) items[at] = items[at - 1]!;
  items[at] = item;
}

/** Returns the users of each item by ascending number of their items, and the list of all users in that order. */
function usersByItem(
  { indptr, items }: UserItems,
  numItems: number,
): { usersOf: { indptr: Uint32Array; users: Uint32Array }; order: Uint32Array } {
  const degree = (user: number) => indptr[user + 1]! - indptr[user]!;
  const order = ascending(indptr.length - 1).sort((a, b) => degree(a) - degree(b) || a - b);
  const ends = groupStarts((i) => items[i]!, items.length, numItems);
  const users = new Uint32Array(items.length);
  const at = ends.slice(0, numItems);
  for (const user of order)
    for (let i = indptr[user]!; i < indptr[user + 1]!; i++) users[at[items[i]!]!++] = user;
  return { usersOf: { indptr: ends, users }, order };
}

/** Returns a sample of a user's items, which are those with the lowest hashes, in ascending order. */
function sampleItems(items: Uint32Array, size: number, key: number): Uint32Array {
  const drawn = new Map(Array.from(items, (item) => [item, draw(key, item)]));
  return items
    .slice()
    .sort((a, b) => drawn.get(a)! - drawn.get(b)! || a - b)
    .slice(0, size)
    .sort();
}

// Adds the features of an item's neighbors to the rows of the item.
//
//   own row        x_f of item i: its feature, and those of the columns that it determines
//   neighbor row   scale times the sum over the item's neighbors j of weight_ij x_f of item j, for the columns that the
//                  item determines, without the neighbor's own feature
//   template       the sum of both, by feature

/**
 * Returns, for each item, the row that its neighbors add; it is empty for an item without neighbors.
 *
 * @param rows one row per item
 * @param own range of the features of the items themselves, which are excluded
 * @param scale total weight of an item's neighbors
 */
export function neighborRows(
  rows: FeatureRows,
  { indptr, items, weights }: ItemNeighbors,
  own: { from: number; end: number },
  scale: number,
): FeatureRows {
  return summedRows(rows.numRows, (item, add) => {
    for (let n = indptr[item]!; n < indptr[item + 1]!; n++) {
      const share = scale * weights[n]!;
      forEachPair(rows, items[n]!, (feature, x) => {
        if (feature < own.from || feature >= own.end) add(feature, share * x);
      });
    }
  });
}

/**
 * Adds to each row the features that the neighbors of its item contribute (neighborRows). The features of the row come
 * first in their order, then the new features.
 *
 * @param itemOf index in `added` for each row, by default the row's own index; rows whose index is beyond the end of
 * `added` remain unchanged
 */
export function withNeighborRows(
  rows: FeatureRows,
  added: FeatureRows,
  itemOf: (row: number) => number = (row) => row,
): FeatureRows {
  const summed = summedRows(rows.numRows, (row, add) => {
    forEachPair(rows, row, add);
    const item = itemOf(row);
    if (item < added.numRows) forEachPair(added, item, add);
  });
  return { ...summed, labels: rows.labels };
}

/** Builds rows from pairs. Values of repeated features are summed in f64. */
function summedRows(
  numRows: number,
  visit: (row: number, add: (feature: number, x: number) => void) => void,
): FeatureRows {
  const indptr = new Uint32Array(numRows + 1);
  const ids: number[] = [];
  const values: number[] = [];
  const sums = new Map<number, number>();
  for (let row = 0; row < numRows; row++) {
    sums.clear();
    visit(row, (feature, x) => sums.set(feature, (sums.get(feature) ?? 0) + x));
    for (const [feature, x] of sums) {
      ids.push(feature);
      values.push(x);
    }
    indptr[row + 1] = ids.length;
  }
  return {
    numRows,
    width: 0,
    indptr,
    ids: Uint32Array.from(ids),
    values: Float32Array.from(values),
    labels: new Float32Array(numRows),
  };
}
