// --per COLUMN=N: the best items of a query, with at most N items of each category.
//
//   few categories    each category is searched for its N best items, and the items without a category for the k best;
//                     the list is merged from them
//   many categories   the search returns a few times k items, which usually suffice; queries whose list is still too
//                     short repeat it with a longer list
//
// Both methods give the same list: the N best items of each category, and the k best of these. Ties are in the order of
// items.

import { MISSING } from "../../../log/keys.js";
import { NO_ITEM, type ItemLists, type TopItems } from "../../../compute/kernels/top-items/binding.js";
import { noItems } from "../../../metrics/rankers.js";
import { listsOfUsers } from "../../../dataset/sampling/ranking-events.js";
import {
  masksByPart,
  pickQueries,
  PLACES,
  placesIn,
  type PartSearch,
  type SetParts,
  type Queries,
  type ListSearch,
} from "./search.js";

export interface Quotas {
  most: number;
  /** u32[numItems]: category of each item; MISSING for items without one */
  cells: Uint32Array;
  ofSet: SetParts[];
  search: PartSearch;
}

export interface AskedOfSet {
  set: number;
  items: Uint32Array;
  queries: Queries;
  dim: number;
  masks: ItemLists;
}

/** Returns the maximum length of a list with at most `most` items of each category. */
export function reachOf({ parts, hasRest }: SetParts, most: number): number {
  return parts.reduce((sum, { length }, i) => {
    const isRest = hasRest && i === parts.length - 1;
    return sum + (isRest ? length : Math.min(most, length));
  }, 0);
}

/** Returns the best `k` item numbers of each query, with at most `most` items of each category. */
export async function bestPerCell(
  quotas: Quotas,
  search: ListSearch,
  asked: AskedOfSet,
  k: number,
): Promise<TopItems> {
  const { most, ofSet } = quotas;
  const own = ofSet[asked.set]!;
  const reach = Math.min(k, reachOf(own, most));
  const lists = noItems(asked.queries.size, k);
  let left = Uint32Array.from({ length: asked.queries.size }, (_, q) => q);
  for (let top = 2 * reach; left.length > 0; top *= 4) {
    // separate searches of all categories are cheaper if their lists together are shorter than `top`
    if (search.searchesSets && top > most * own.parts.length && top < asked.items.length) {
      await inChunks(left, reach, async (some) => await fromParts(quotas, asked, some, lists, k));
      break;
    }
    const wide = Math.min(top, asked.items.length);
    const short: number[] = [];
    await inChunks(left, wide, async (some) => {
      const found = await search.best(
        asked.set,
        pickQueries(asked.queries, some, asked.dim),
        placesIn(asked.items, listsOfUsers(asked.masks, some), quotas.cells.length),
        wide,
      );
      some.forEach((q, i) => {
        const length = keepQuota(found, i * wide, wide, asked.items, quotas, lists, q * k, k);
        const isAll = wide === asked.items.length || found.items[(i + 1) * wide - 1] === NO_ITEM;
        if (length < reach && !isAll) short.push(q);
      });
    });
    left = Uint32Array.from(short);
  }
  return lists;
}

async function inChunks(
  queries: Uint32Array,
  length: number,
  act: (some: Uint32Array) => Promise<void>,
): Promise<void> {
  const step = Math.max(1, Math.floor(PLACES / Math.max(1, length)));
  for (let first = 0; first < queries.length; first += step) await act(queries.subarray(first, first + step));
}

/** Copies the best items, with at most `most` of each category. @returns the number of copied items */
function keepQuota(
  { items: places, scores }: TopItems,
  from: number,
  top: number,
  items: Uint32Array,
  { cells, most }: Quotas,
  lists: TopItems,
  to: number,
  k: number,
): number {
  const taken = new Map<number, number>();
  let length = 0;
  for (let at = from; at < from + top && length < k && places[at] !== NO_ITEM; at++) {
    const item = items[places[at]!]!;
    const cell = cells[item]!;
    if (cell !== MISSING) {
      const times = (taken.get(cell) ?? 0) + 1;
      if (times > most) continue;
      taken.set(cell, times);
    }
    lists.items[to + length] = item;
    lists.scores[to + length] = scores[at]!;
    length++;
  }
  return length;
}

async function fromParts(
  { most, ofSet, cells, search: ofParts }: Quotas,
  asked: AskedOfSet,
  some: Uint32Array,
  lists: TopItems,
  k: number,
): Promise<void> {
  const search = await ofParts.started();
  const { parts, hasRest, first } = ofSet[asked.set]!;
  const queries = pickQueries(asked.queries, some, asked.dim);
  const masksOf = masksByPart(listsOfUsers(asked.masks, some), parts, cells.length);
  // empties the list, which contains items that the joint search of all categories found
  for (const q of some) lists.items.fill(NO_ITEM, q * k, (q + 1) * k);
  const lengths = new Uint32Array(some.length);
  // starts with the items without a category, which are already sorted, so that their insertion moves no other item
  const order = Array.from({ length: parts.length }, (_, i) => (hasRest ? parts.length - 1 - i : i));
  for (const part of order) {
    const items = parts[part]!;
    const isRest = hasRest && part === parts.length - 1;
    const top = Math.min(items.length, isRest ? k : Math.min(most, k));
    const found = await search.best(first + part, queries, masksOf(part), top);
    some.forEach((q, i) => {
      for (let at = i * top; at < (i + 1) * top && found.items[at] !== NO_ITEM; at++) {
        const length = insert(lists, q * k, lengths[i]!, k, items[found.items[at]!]!, found.scores[at]!);
        if (length === undefined) break;
        lengths[i] = length;
      }
    });
  }
}

/** Inserts an item, dropping the last one of a full list. @returns the new length; undefined if it ranks too low */
function insert(
  { items, scores }: TopItems,
  from: number,
  length: number,
  k: number,
  item: number,
  score: number,
): number | undefined {
  const isAfter = (at: number): boolean => scores[at]! < score || (scores[at] === score && items[at]! > item);
  if (length === k && !isAfter(from + k - 1)) return undefined;
  let [low, high] = [from, from + length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAfter(middle)) high = middle;
    else low = middle + 1;
  }
  const end = from + Math.min(length, k - 1);
  items.copyWithin(low + 1, low, end);
  scores.copyWithin(low + 1, low, end);
  items[low] = item;
  scores[low] = score;
  return Math.min(k, length + 1);
}
