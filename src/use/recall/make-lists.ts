// Makes the lists for blocks of queries: searches the items that each query's list may contain, without masked items
// and with limits per category.

import type { Keys } from "../../log/keys.js";
import { NO_ITEM, type ItemLists, type TopItems } from "../../compute/kernels/top-items/binding.js";
import { noItems } from "../../metrics/rankers.js";
import { withoutMasked } from "../../metrics/ranking.js";
import type { ListBatch } from "../../export/lists.js";
import { listsOfUsers } from "../../dataset/sampling/ranking-events.js";
import type { Block } from "../rank-items/lists/blocks.js";
import { bestOfParts, type PartLists } from "../rank-items/lists/part-lists.js";
import { bestPerCell, type Quotas } from "../rank-items/lists/quotas.js";
import { pickQueries, placesIn, type ListSearch } from "../rank-items/lists/search.js";
import { NO_SET, type Sets } from "./allowed-items.js";

interface Making {
  search: ListSearch;
  sets: Sets;
  numItems: number;
  /** dimension of the queries' vectors; absent if queries have no vectors */
  dim: number;
  k: number;
  quotas?: Quotas | undefined;
  /** parts of a list, filled separately: by category (--lists-per), by whether an item is new (--new-share) */
  parts?: PartLists | undefined;
  /** Returns, for each given key of a user or item, the items that its list must not contain, ascending. */
  masksOf: (keys: Keys) => ItemLists;
  /** Returns, for each given key of a user, the items to rank; only for --candidates. */
  candidatesOf?: (keys: Keys) => ItemLists;
  /** Returns whether a query has no information on its user, so that the user gets no list. */
  isEmpty: (block: Block, query: number) => boolean;
  /** Called for each query without a list: no item is allowed in the list, or nothing is known of the user. */
  tell: (why: "ungrouped" | "unknown") => void;
}

/** Yields the lists of each block of queries. Searches the next block while the lists of a block are written. */
export async function* listsOfBlocks(
  blocks: AsyncIterable<Block> | Iterable<Block>,
  making: Making,
): AsyncGenerator<ListBatch> {
  let pending: Promise<ListBatch> | undefined;
  for await (const block of blocks) {
    // starts a search only after the previous one has ended, because searches share memory
    const done = pending && (await pending);
    pending = listBatch(block, making);
    // marks a rejection as handled; the error is thrown where `pending` is awaited
    pending.catch(() => undefined);
    if (done) yield done;
  }
  if (pending) yield await pending;
}

async function listBatch(block: Block, making: Making): Promise<ListBatch> {
  const { keys } = block;
  const { k, parts } = making;
  const { items, scores } = making.candidatesOf
    ? await amongCandidates(block, making.candidatesOf(keys), making)
    : await amongSets(block, making);
  if (!parts?.categories) return { keys, top: k, items, scores };
  const { numLists, categories } = parts;
  const ownerOf = Uint32Array.from({ length: keys.size * numLists }, (_, list) =>
    Math.floor(list / numLists),
  );
  const categoryOf = ownerOf.map((_, list) => list % numLists);
  return { keys, categories, ownerOf, categoryOf, top: k, items, scores };
}

async function amongSets(block: Block, making: Making): Promise<TopItems> {
  const { keys, queries } = block;
  const { search, sets, k, masksOf, numItems, isEmpty, tell } = making;
  // number of items in all lists of one user or item
  const width = k * (making.parts?.numLists ?? 1);
  const found = noItems(keys.size, width);
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
    const best = await bestOf(set, rows);
    const top = best.items.length / rows.length;
    rows.forEach((q, i) => {
      found.items.set(best.items.subarray(i * top, (i + 1) * top), q * width);
      found.scores.set(best.scores.subarray(i * top, (i + 1) * top), q * width);
    });
  }
  return found;

  async function bestOf(set: number, rows: Uint32Array): Promise<TopItems> {
    const items = sets.sets[set]!;
    const picked = { queries: pickQueries(queries, rows, making.dim), masks: listsOfUsers(masks, rows) };
    const asked = { set, items, dim: making.dim, ...picked };
    if (making.parts) return await bestOfParts(making.parts, asked, k);
    if (making.quotas) return await bestPerCell(making.quotas, search, asked, k);
    const own = placesIn(items, picked.masks, numItems);
    const top = Math.min(k, items.length);
    const best = await search.best(set, picked.queries, own, top);
    return { ...best, items: best.items.map((place) => (place === NO_ITEM ? NO_ITEM : items[place]!)) };
  }
}

/** Returns the lists of queries with --candidates: the ranked candidates of each query, without masked items. */
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
