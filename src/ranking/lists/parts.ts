// The items of a set by a code: those of one category, or those that were added to the run. Each part is searched by itself.

import { MISSING } from "../../log/keys.js";
import { NO_ITEM, type ItemLists } from "../../kernels/top-items/binding.js";
import type { Search } from "./search.js";

/** The parts of one set, by the codes of its items. */
export interface SetParts {
  /** u32[] each: the part's items by the numbers that lists give them, ascending */
  parts: Uint32Array[];
  /** the code of each part; of the last one MISSING where `hasRest` */
  codes: number[];
  /** the last part holds the items without a code */
  hasRest: boolean;
  /** number of the first part among those of all sets */
  first: number;
}

/** The parts of each set. @param codes u32[numItems]; MISSING for none */
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

/** A search over the parts of all sets, which is started when a list first needs it. */
export interface PartSearch {
  started: () => Promise<Search>;
  end: () => Promise<void>;
}

/** @param start readies a search of sets of items */
export function partSearch(
  start: (sets: readonly Uint32Array[]) => Promise<Search>,
  ofSet: readonly SetParts[],
): PartSearch {
  let started: Promise<Search> | undefined;
  return {
    started: () => (started ??= start(ofSet.flatMap(({ parts }) => parts))),
    end: async () => {
      // a search that could not start has failed the lists already
      const search = await started?.catch(() => undefined);
      await search?.end();
    },
  };
}

/** The masks of each part, as places within it. @param masks ascending, by the numbers that lists give items */
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
    const ends = new Uint32Array(indptr.length);
    for (const { query } of ofPart[part]!) ends[query + 1]!++;
    for (let query = 0; query + 1 < ends.length; query++) ends[query + 1]! += ends[query]!;
    return { indptr: ends, items: Uint32Array.from(ofPart[part]!, ({ place }) => place) };
  };
}
