// --lists-per COLUMN and --new-share X: lists that are filled from parts of the items. Each part is searched
// separately.
//
//   --lists-per   one list per category, of its k best items
//   --new-share   the first r places of a list contain at least floor(r X) new items, while there are any; the other
//                 places contain the best items
//
// The code of an item is 2 * category + (1 if it is new), so that the options can be combined.

import { NO_ITEM, type TopItems } from "../../../compute/kernels/top-items/binding.js";
import { noItems } from "../../../metrics/rankers.js";
import { MISSING, selectKeys, type Keys } from "../../../log/keys.js";
import { ascending } from "../../../base/numeric/indices.js";
import { masksByPart, type PartSearch, type SetParts } from "./search.js";
import type { AskedOfSet } from "./quotas.js";

/** Parts of items from which the lists of each user (or row of a table) are filled. */
export interface PartLists {
  /** for each set of items that are ranked together: its parts, by category and by whether items are new */
  ofSet: SetParts[];
  search: PartSearch;
  /** categories that have a list; absent if each user has a single list */
  categories?: Keys | undefined;
  numLists: number;
  /** minimum share of new items in each prefix of a list */
  newShare: number;
  numItems: number;
}

/**
 * Returns u32[numItems]: the code of each item's part, by its category and by whether it is new.
 * @param categories u32[numItems]; MISSING for items without a category
 * @param isNew u8[numItems]
 */
export function codesOfParts(
  numItems: number,
  categories: Uint32Array | undefined,
  isNew: Uint8Array | undefined,
): Uint32Array {
  return Uint32Array.from({ length: numItems }, (_, item) => {
    const category = categories?.[item] ?? 0;
    return category === MISSING ? MISSING : 2 * category + (isNew?.[item] ?? 0);
  });
}

/**
 * Numbers the categories that occur in the sets of allowed items from 0, in the order of their codes. Categories that
 * occur in no set get no list.
 *
 * @param codes u32[numItems]; MISSING for items without a category
 * @param names name of each code
 * @returns the remaining names, and their codes, u32[numItems]; MISSING for items whose category is in no set
 */
export function categoriesOfSets(
  sets: readonly Uint32Array[],
  { codes, names }: { codes: Uint32Array; names: Keys },
): { codes: Uint32Array; names: Keys } {
  const isHeld = new Uint8Array(names.size);
  for (const items of sets) for (const item of items) if (codes[item] !== MISSING) isHeld[codes[item]!] = 1;
  const kept = ascending(names.size).filter((code) => isHeld[code] === 1);
  const places = new Uint32Array(names.size).fill(MISSING);
  kept.forEach((code, place) => (places[code] = place));
  return {
    codes: codes.map((code) => (code === MISSING ? MISSING : places[code]!)),
    names: selectKeys(names, kept),
  };
}

/** Returns the maximum length of a list: the number of items of the set's largest category. */
export function longestOf({ parts, codes }: SetParts): number {
  const lengths = new Map<number, number>();
  parts.forEach(({ length }, part) => {
    const code = codes[part]!;
    if (code !== MISSING) lengths.set(code >>> 1, (lengths.get(code >>> 1) ?? 0) + length);
  });
  return Math.max(0, ...lengths.values());
}

/** Returns the lists of each query one after another, each with `k` places for item numbers. */
export async function bestOfParts(how: PartLists, asked: AskedOfSet, k: number): Promise<TopItems> {
  const { numLists, newShare } = how;
  const { parts, codes, first } = how.ofSet[asked.set]!;
  const { queries, masks } = asked;
  const search = await how.search.started();
  const masksOf = masksByPart(masks, parts, how.numItems);
  const found = noItems(queries.size * numLists, k);
  const partOf = new Map(codes.map((code, part) => [code, part]));
  for (let list = 0; list < numLists; list++) {
    const [known, added] = [await best(2 * list), await best(2 * list + 1)];
    const only = known && added ? undefined : (known ?? added);
    for (let q = 0; q < queries.size; q++) {
      const to = (q * numLists + list) * k;
      if (only) copyList(only, q, found, to);
      else mergeLists(known && listOf(known, q), added && listOf(added, q), newShare, found, to, k);
    }
  }
  return found;

  async function best(code: number): Promise<BestOfPart | undefined> {
    const part = partOf.get(code);
    if (part === undefined) return undefined;
    const items = parts[part]!;
    const top = Math.min(k, items.length);
    return { top, part: items, ...(await search.best(first + part, queries, masksOf(part), top)) };
  }
}

interface BestOfPart extends TopItems {
  top: number;
  /** u32: item numbers of the part; positions in this array identify the items in `items` */
  part: Uint32Array;
}

function listOf({ top, part, items, scores }: BestOfPart, query: number): TopItems {
  const [from, to] = [query * top, (query + 1) * top];
  const own = items.subarray(from, to).map((place) => (place === NO_ITEM ? NO_ITEM : part[place]!));
  return { items: own, scores: scores.subarray(from, to) };
}

function copyList(
  { top, part, items, scores }: BestOfPart,
  query: number,
  lists: TopItems,
  to: number,
): void {
  const from = query * top;
  for (let r = 0; r < top && items[from + r] !== NO_ITEM; r++) {
    lists.items[to + r] = part[items[from + r]!]!;
    lists.scores[to + r] = scores[from + r]!;
  }
}

const NOTHING: TopItems = { items: new Uint32Array(), scores: new Float32Array() };

/** Writes a list of up to `k` items by descending score, but new items first while their share is too small. */
function mergeLists(
  known: TopItems = NOTHING,
  added: TopItems = NOTHING,
  newShare: number,
  lists: TopItems,
  to: number,
  k: number,
): void {
  const isLeft = ({ items }: TopItems, at: number) => at < items.length && items[at] !== NO_ITEM;
  let [a, b] = [0, 0];
  for (let place = 0; place < k; place++) {
    const [hasKnown, hasNew] = [isLeft(known, a), isLeft(added, b)];
    if (!hasKnown && !hasNew) return;
    // tolerance for shares that are inexact in binary, such as 100 * .29 < 29
    const due = Math.floor((place + 1) * newShare + 1e-9);
    const [x, y] = [known.scores[a]!, added.scores[b]!];
    const isBetter = y > x || (y === x && added.items[b]! < known.items[a]!);
    const takesNew = hasNew && (!hasKnown || b < due || isBetter);
    const [from, at] = takesNew ? [added, b++] : [known, a++];
    lists.items[to + place] = from.items[at]!;
    lists.scores[to + place] = from.scores[at]!;
  }
}
