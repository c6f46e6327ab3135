import { MISSING } from "../../../log/keys.js";
import { NO_ITEM } from "../../../compute/kernels/top-items/binding.js";
import { noItems } from "../../../metrics/rankers.js";
import { bestPerCell, reachOf } from "./quotas.js";
import { partsOfSets, type ListSearch } from "./search.js";

const NUM_ITEMS = 1000;
const items = Uint32Array.from({ length: NUM_ITEMS }, (_, item) => item);
// The items have four categories, and every tenth item has none. The score of item i is NUM_ITEMS - i.
const cells = items.map((item) => (item % 10 === 0 ? MISSING : item % 4));
const ofSet = partsOfSets([items], cells);

/** Creates a search that returns the first items of each set, and records the requested list lengths. */
function searchOf(sets: readonly Uint32Array[], lengths: number[]): ListSearch {
  return {
    searchesSets: true,
    best: (set, queries, masks, top) => {
      lengths.push(top);
      const found = noItems(queries.size, top);
      for (let q = 0; q < queries.size; q++) {
        const masked = new Set(masks.items.subarray(masks.indptr[q], masks.indptr[q + 1]));
        const open = [...sets[set]!.keys()].filter((place) => !masked.has(place)).slice(0, top);
        found.items.set(open, q * top);
        found.scores.set(
          open.map((place) => NUM_ITEMS - sets[set]![place]!),
          q * top,
        );
      }
      return Promise.resolve(found);
    },
    score: () => Promise.reject(new Error("not asked for")),
    end: () => Promise.resolve(),
  };
}

test("a list that cannot be filled takes one search of each category, for as many items as it may hold", async () => {
  const [lengths, ofParts]: [number[], number[]] = [[], []];
  const quotas = {
    ...{ most: 2, cells, ofSet },
    search: {
      started: () => Promise.resolve(searchOf(ofSet[0]!.parts, ofParts)),
      end: () => Promise.resolve(),
    },
  };
  // The first query masks items 1 and 10, the second query masks no item.
  const masks = { indptr: Uint32Array.of(0, 2, 2), items: Uint32Array.of(1, 10) };
  const asked = { set: 0, items, queries: { size: 2, vectors: new Float32Array(2) }, dim: 1, masks };
  expect(reachOf(ofSet[0]!, 2)).toBe(108);
  const { items: found } = await bestPerCell(quotas, searchOf([items], lengths), asked, 12);
  expect([...found.subarray(0, 12)]).toEqual([0, 2, 3, 4, 5, 6, 7, 8, 9, 20, 30, 40]);
  expect([...found.subarray(12)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 20, 30]);
  expect(lengths).toEqual([]);
  expect(ofParts).toEqual([12, 2, 2, 2, 2]);
});

test("with many categories a list of a few times its length is enough", async () => {
  const many = items.map((item) => item >>> 1);
  const lengths: number[] = [];
  const own = partsOfSets([items], many);
  const quotas = {
    ...{ most: 1, cells: many, ofSet: own },
    search: {
      started: () => Promise.reject(new Error("no category is searched")),
      end: () => Promise.resolve(),
    },
  };
  const masks = { indptr: Uint32Array.of(0, 0), items: new Uint32Array() };
  const asked = { set: 0, items, queries: { size: 1, vectors: new Float32Array(1) }, dim: 1, masks };
  const { items: found } = await bestPerCell(quotas, searchOf([items], lengths), asked, 5);
  expect([...found]).toEqual([0, 2, 4, 6, 8]);
  expect([...found]).not.toContain(NO_ITEM);
  expect(lengths).toEqual([10]);
});
