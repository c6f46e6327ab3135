// --per COLUMN=N: the best items of a query with at most N of a cell.
//
//   few cells    the N best of each cell, and the k best items without a cell, are all that a list can hold: one search of each cell
//   many cells   a list of a few times k items mostly holds enough cells; longer ones are searched for queries that lack some
//
// Both give the same list: of each cell the best N, of all of these the best k, ties in the items' order.

import { MISSING } from "../../log/keys.js";
import { NO_ITEM, type ItemLists, type TopItems } from "../../kernels/top-items/binding.js";
import { noItems } from "../../evaluation/rankers.js";
import { listsOfUsers } from "../../sampling/ranking-events.js";
import { masksByPart, type PartSearch, type SetParts } from "./parts.js";
import { pickQueries, PLACES, placesIn, type Queries, type Search } from "./search.js";

/** At most so many of a cell. */
export interface Quotas {
  most: number;
  /** u32[numItems], codes; MISSING for an item without a cell */
  cells: Uint32Array;
  /** by set */
  ofSet: SetParts[];
  search: PartSearch;
}

/** Queries of one set, and what each is masked from, by the numbers that lists give items. */
export interface AskedOfSet {
  set: number;
  items: Uint32Array;
  queries: Queries;
  dim: number;
  masks: ItemLists;
}

/** Items that a list can hold at most. */
export function reachOf({ parts, hasRest }: SetParts, most: number): number {
  return parts.reduce((sum, { length }, i) => {
    const isRest = hasRest && i === parts.length - 1;
    return sum + (isRest ? length : Math.min(most, length));
  }, 0);
}

/** The best `k` items of each query with at most so many of a cell, by the numbers that lists give them. */
export async function bestPerCell(
  quotas: Quotas,
  search: Search,
  asked: AskedOfSet,
  k: number,
): Promise<TopItems> {
  const { most, ofSet } = quotas;
  const own = ofSet[asked.set]!;
  const reach = Math.min(k, reachOf(own, most));
  const lists = noItems(asked.queries.size, k);
  let left = Uint32Array.from({ length: asked.queries.size }, (_, q) => q);
  for (let top = 2 * reach; left.length > 0; top *= 4) {
    // the parts of few cells hold less than so long a list
    if (search.searchesSets && top > most * own.parts.length && top < asked.items.length) {
      await eachOf(left, reach, async (some) => await fromParts(quotas, asked, some, lists, k));
      break;
    }
    const wide = Math.min(top, asked.items.length);
    const short: number[] = [];
    await eachOf(left, wide, async (some) => {
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

/** So many queries at a time that their lists take bounded memory. */
async function eachOf(
  queries: Uint32Array,
  length: number,
  act: (some: Uint32Array) => Promise<void>,
): Promise<void> {
  const step = Math.max(1, Math.floor(PLACES / Math.max(1, length)));
  for (let first = 0; first < queries.length; first += step) await act(queries.subarray(first, first + step));
}

/** Copies the best items, at most `most` of a cell. @returns how many */
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

/** Fills the lists of some queries from the best of each part. */
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
  // a list that was searched before may hold some
  for (const q of some) lists.items.fill(NO_ITEM, q * k, (q + 1) * k);
  const lengths = new Uint32Array(some.length);
  // items without a cell come first: they are in order, so that nothing is moved
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

/** Puts an item into a list in order, where the last falls out of a full one. @returns the list's length; undefined where the item is too bad */
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
