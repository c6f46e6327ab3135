import { MISSING } from "../../log/keys.js";
import { NO_ITEM, type ItemLists } from "../../kernels/top-items/binding.js";
import type { Search } from "./search.js";
import { groupStarts } from "../../numeric/groups.js";

export interface SetParts {
  /** u32[] each: item numbers of each part of the set, ascending */
  parts: Uint32Array[];
  /** code, such as a category, that all items of a part have, by part; MISSING for the last part if `hasRest` */
  codes: number[];
  /** true if the last part of the set contains the items without a code */
  hasRest: boolean;
  /** index of the first part of this set of items, if the parts of all sets of items are numbered consecutively */
  first: number;
}

/** Splits each set into parts with equal codes. @param codes u32[numItems]; MISSING for items without a code */
export function partsOfSets(sets: readonly Uint32Array[], codes: Uint32Array): SetParts[] {
  let first = 0;
  return sets.map((items) => {
    const byCode = new Map<number, number[]>();
    for (const item of items) {
      const own = byCode.get(codes[item]!);
      if (own) own.push(item);
      else byCode.set(codes[item]!, [item]);
    }
    const rest = byCode.get(MISSING);
    byCode.delete(MISSING);
    if (rest) byCode.set(MISSING, rest);
    const parts = [...byCode.values()].map((own) => Uint32Array.from(own));
    const found = { parts, codes: [...byCode.keys()], hasRest: rest !== undefined, first };
    first += parts.length;
    return found;
  });
}

export interface PartSearch {
  started: () => Promise<Search>;
  end: () => Promise<void>;
}

/** @param start function that starts a search in sets of items */
export function partSearch(
  start: (sets: readonly Uint32Array[]) => Promise<Search>,
  ofSet: readonly SetParts[],
): PartSearch {
  let started: Promise<Search> | undefined;
  return {
    started: () => (started ??= start(ofSet.flatMap(({ parts }) => parts))),
    end: async () => {
      // if the search failed to start, the caller of `started` received the error, and there is nothing to end
      const search = await started?.catch(() => undefined);
      await search?.end();
    },
  };
}

/** Converts masks of ascending item numbers to masks of positions within a part of the items. */
export function masksByPart(
  { indptr, items }: ItemLists,
  parts: readonly Uint32Array[],
  numItems: number,
): (part: number) => ItemLists {
  const [partOf, placeOf] = [new Uint32Array(numItems).fill(NO_ITEM), new Uint32Array(numItems)];
  parts.forEach((own, part) =>
    own.forEach((item, place) => {
      partOf[item] = part;
      placeOf[item] = place;
    }),
  );
  const ofPart: { query: number; place: number }[][] = parts.map(() => []);
  for (let query = 0; query + 1 < indptr.length; query++)
    for (let at = indptr[query]!; at < indptr[query + 1]!; at++) {
      const item = items[at]!;
      if (partOf[item] !== NO_ITEM) ofPart[partOf[item]!]!.push({ query, place: placeOf[item]! });
    }
  return (part) => {
    const own = ofPart[part]!;
    return {
      indptr: groupStarts((i) => own[i]!.query, own.length, indptr.length - 1),
      items: Uint32Array.from(own, ({ place }) => place),
    };
  };
}
