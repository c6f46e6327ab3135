// Queries → lists: block by block, each query among its set, without what its owner has, at most so many of a kind.

import { MISSING, type Keys } from "../../log/keys.js";
import { NO_ITEM, type ItemLists, type TopItems } from "../../kernels/top-items/binding.js";
import { noItems } from "../../evaluation/rankers.js";
import { withoutMasked } from "../../evaluation/ranking.js";
import type { ListBatch } from "../../export/lists.js";
import { listsOfUsers } from "../../sampling/ranking-events.js";
import { placeIn } from "../../sampling/training-events.js";
import { pickQueries, type Block } from "./blocks.js";
import type { Search } from "./search.js";
import { NO_SET, type Sets } from "./sets.js";

/** How lists are made. */
export interface Making {
  search: Search;
  sets: Sets;
  numItems: number;
  /** of the queries' vectors, where they have any */
  dim: number;
  /** items a list */
  k: number;
  /** of --per: at most so many of a cell */
  most?: number;
  /** A list a key: items that its list never holds, ascending, as lists number them. */
  masksOf: (keys: Keys) => ItemLists;
  /** of --candidates: a list a key, the items that are ranked for it */
  candidatesOf?: (keys: Keys) => ItemLists;
  /** queries that say nothing: they get no list */
  isEmpty: (block: Block, query: number) => boolean;
  /** hears of a query without a set, and of one that says nothing */
  tell: (why: "ungrouped" | "unknown") => void;
}

/** The lists of each block, the next block's being searched for while one is written. */
export async function* listsOfBlocks(
  blocks: AsyncIterable<Block> | Iterable<Block>,
  making: Making,
): AsyncGenerator<ListBatch> {
  let pending: Promise<ListBatch> | undefined;
  for await (const block of blocks) {
    // one search at a time: its room is taken in turn
    const done = pending && (await pending);
    pending = batchOf(block, making);
    // what fails is heard where it is waited for
    pending.catch(() => undefined);
    if (done) yield done;
  }
  if (pending) yield await pending;
}

async function batchOf(block: Block, making: Making): Promise<ListBatch> {
  const { keys } = block;
  const { k } = making;
  const found = making.candidatesOf
    ? await amongCandidates(block, making.candidatesOf(keys), making)
    : await amongSets(block, making);
  return { keys, top: k, items: found.items, scores: found.scores };
}

async function amongSets(block: Block, making: Making): Promise<TopItems> {
  const { keys, queries } = block;
  const { search, sets, k, masksOf, numItems, isEmpty, tell } = making;
  const found = noItems(keys.size, k);
  const masks = masksOf(keys);
  const bySet = new Map<number, number[]>();
  for (let q = 0; q < keys.size; q++) {
    if (isEmpty(block, q)) {
      tell("unknown");
      continue;
    }
    const set = sets.setOf(keys, q);
    if (set === NO_SET) tell("ungrouped");
    else if (bySet.has(set)) bySet.get(set)!.push(q);
    else bySet.set(set, [q]);
  }
  for (const [set, asked] of [...bySet].sort(([a], [b]) => a - b)) {
    const items = sets.sets[set]!;
    if (items.length === 0) continue;
    const rows = Uint32Array.from(asked);
    const own = placesIn(items, listsOfUsers(masks, rows), numItems);
    const best = await bestOf(set, rows, own);
    rows.forEach((q, i) => {
      for (let r = 0; r < k; r++) {
        const place = best.items[i * k + r]!;
        if (place === NO_ITEM) break;
        found.items[q * k + r] = items[place]!;
        found.scores[q * k + r] = best.scores[i * k + r]!;
      }
    });
  }
  return found;

  async function bestOf(set: number, rows: Uint32Array, own: ItemLists): Promise<TopItems> {
    const picked = pickQueries(queries, rows, making.dim);
    const size = sets.sets[set]!.length;
    if (making.most === undefined || !sets.cells) return await widened(set, picked, own, Math.min(k, size));
    return await withQuotas(set, rows, own, size);
  }

  /** Lists of k from a search for fewer. */
  async function widened(
    set: number,
    picked: Block["queries"],
    own: ItemLists,
    top: number,
  ): Promise<TopItems> {
    const best = await search.best(set, picked, own, top);
    if (top === k) return best;
    const wide = noItems(picked.size, k);
    for (let q = 0; q < picked.size; q++) {
      wide.items.set(best.items.subarray(q * top, (q + 1) * top), q * k);
      wide.scores.set(best.scores.subarray(q * top, (q + 1) * top), q * k);
    }
    return wide;
  }

  /** Searches for ever longer lists, until what may stay of each is k items or there are no more. */
  async function withQuotas(set: number, rows: Uint32Array, own: ItemLists, size: number): Promise<TopItems> {
    const lists = noItems(rows.length, k);
    const cellOf = sets.sets[set]!.map((item) => sets.cells![item]!);
    let left = Uint32Array.from(rows.keys());
    for (let top = Math.min(size, 2 * k); left.length > 0; top = Math.min(size, 4 * top)) {
      const picked = pickQueries(
        queries,
        left.map((i) => rows[i]!),
        making.dim,
      );
      const best = await search.best(set, picked, listsOfUsers(own, left), top);
      left = left.filter((list, i) => {
        const length = keepQuota(best, i * top, top, cellOf, making.most!, lists, list * k, k);
        const isAll = top === size || best.items[(i + 1) * top - 1] === NO_ITEM;
        return length < k && !isAll;
      });
    }
    return lists;
  }
}

/** Copies the best items, at most `most` of a cell. @returns how many */
function keepQuota(
  { items, scores }: TopItems,
  from: number,
  top: number,
  cellOf: Uint32Array,
  most: number,
  lists: TopItems,
  to: number,
  k: number,
): number {
  const taken = new Map<number, number>();
  let length = 0;
  for (let at = from; at < from + top && length < k && items[at] !== NO_ITEM; at++) {
    const cell = cellOf[items[at]!]!;
    if (cell !== MISSING) {
      const times = (taken.get(cell) ?? 0) + 1;
      if (times > most) continue;
      taken.set(cell, times);
    }
    lists.items[to + length] = items[at]!;
    lists.scores[to + length] = scores[at]!;
    length++;
  }
  return length;
}

/** Ranks what is listed for each query, without what is masked. */
async function amongCandidates(
  { keys, queries }: Block,
  candidates: ItemLists,
  { search, k, masksOf }: Making,
): Promise<TopItems> {
  const open = withoutMasked(candidates, masksOf(keys));
  const scored = await search.score(queries, open);
  const found = noItems(keys.size, k);
  for (let q = 0; q < keys.size; q++) {
    const [from, to] = [open.indptr[q]!, open.indptr[q + 1]!];
    const places = Uint32Array.from({ length: to - from }, (_, i) => from + i)
      .filter((at) => scored[at]! > -Infinity)
      .sort((a, b) => scored[b]! - scored[a]! || open.items[a]! - open.items[b]!);
    places.subarray(0, k).forEach((at, r) => {
      found.items[q * k + r] = open.items[at]!;
      found.scores[q * k + r] = scored[at]!;
    });
  }
  return found;
}

/** Lists as places within a set, ascending; what the set has not is left out. */
function placesIn(set: Uint32Array, { indptr, items }: ItemLists, numItems: number): ItemLists {
  // all items are their own places
  if (set.length === numItems) return { indptr, items };
  const ends = new Uint32Array(indptr.length);
  const places = new Uint32Array(items.length);
  let end = 0;
  for (let q = 0; q + 1 < indptr.length; q++) {
    for (let at = indptr[q]!; at < indptr[q + 1]!; at++) {
      const place = placeIn(set, items[at]!);
      if (set[place] === items[at]) places[end++] = place;
    }
    ends[q + 1] = end;
  }
  return { indptr: ends, items: places.subarray(0, end) };
}
