// Items by where they stand within a set of items.

import type { ItemLists } from "../../kernels/top-items/binding.js";
import { placeIn } from "../../sampling/training-events.js";

/** Lists as places within a set, ascending; what the set has not is left out. @param set u32, ascending @param numItems of all sets */
export function placesIn(set: Uint32Array, { indptr, items }: ItemLists, numItems: number): ItemLists {
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
