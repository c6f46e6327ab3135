import { encodeKeys, keyAt } from "../log/keys.js";
import * as fc from "fast-check";
import { countHoles, keepRowOrder } from "./vocabulary/vocabulary.js";

const textsOf = (keys: ReturnType<typeof encodeKeys>) =>
  Array.from({ length: keys.size }, (_, i) => keyAt(keys, i));

/**
 * Returns the keys in the order of the earlier table, their counts, and the number of holes (rows with an empty key).
 */
const place = (keys: string[], counts: number[], earlier: string[]) => {
  const placed = keepRowOrder(
    { keys: encodeKeys(keys), counts: Uint32Array.from(counts) },
    encodeKeys(earlier),
  );
  return { keys: textsOf(placed.keys), counts: [...placed.counts], holes: countHoles(placed.keys) };
};

test("keys stay where they were, new ones follow in their order, and gone ones leave an empty key of count 0", () => {
  expect(place(["b", "d", "a", "e"], [9, 7, 5, 3], ["a", "b", "c"])).toEqual({
    keys: ["a", "b", "", "d", "e"],
    counts: [5, 9, 0, 7, 3],
    holes: 1,
  });
});

test("holes stay holes, and a key that comes back is appended", () => {
  expect(place(["c", "a"], [2, 1], ["a", "", "", "b"]).keys).toEqual(["a", "", "", "", "c"]);
});

test("whatever the weeks hold, each key of a week stands once and never moves", () => {
  const week = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 2 }), { maxLength: 12 });
  fc.assert(
    fc.property(fc.array(week, { minLength: 1, maxLength: 5 }), (weeks) => {
      let table: string[] = [];
      for (const keys of weeks) {
        const next = place(
          keys,
          keys.map((_, i) => i + 1),
          table,
        ).keys;
        expect(next.filter((key) => key !== "").sort()).toEqual([...keys].sort());
        table.forEach((key, row) => expect(["", key]).toContain(next[row]));
        table = next;
      }
    }),
    { seed: 7 },
  );
});
