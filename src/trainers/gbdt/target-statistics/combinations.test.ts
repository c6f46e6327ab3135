// Compares the numbers that `tuplesOf` assigns to tuples of keys with those from a map of the tuples as text.

import { MISSING } from "../../../log/keys.js";
import { integerBelow, mulberry32 } from "../../../testing/random.js";
import { ABSENT, parseCombination, tuplesOf } from "./combinations.js";

// numbers of tuples are looked up in a table if the product of two columns' sizes is small, otherwise in a sorted list
test.each([
  [25, [5, 7]],
  [500, [3000, 2000]],
  [25, [3, 4, 5]],
  [500, [400_000_000, 3, 50_000_000]],
] as const)("%i tuples of sizes %j have the numbers of a map", (n, sizes) => {
  const random = mulberry32(sizes.length);
  // Generates a few codes from both ends of the range, so that tuples repeat.
  const column = (size: number) =>
    Uint32Array.from({ length: n }, () => {
      if (random() < 0.05) return MISSING;
      const code = integerBelow(Math.min(size, 6), random);
      return random() < 0.5 ? code : size - 1 - code;
    });
  const codes = sizes.map(column);
  const others = sizes.map(column);
  const keyOf = (columns: readonly Uint32Array[], i: number) => columns.map((own) => own[i]!).join();
  const isWhole = (columns: readonly Uint32Array[], i: number) => columns.every((own) => own[i] !== MISSING);
  const rows = [...codes[0]!.keys()];
  const known = new Set(rows.filter((i) => isWhole(codes, i)).map((i) => keyOf(codes, i)));
  const { size, find } = tuplesOf(codes, sizes);
  expect(size).toBe(known.size);
  const byKey = new Map(
    [...find(codes)].flatMap((number, i) => (number === MISSING ? [] : [[keyOf(codes, i), number] as const])),
  );
  expect([...byKey.values()].sort((a, b) => a - b)).toEqual([...known].map((_, number) => number));
  const expected = rows.map((i) => (isWhole(others, i) ? (byKey.get(keyOf(others, i)) ?? ABSENT) : MISSING));
  expect([...find(others)]).toEqual(expected);
  // Expects both known and unknown tuples, without which the test would be meaningless.
  expect(expected.some((number) => number < ABSENT) && expected.includes(ABSENT)).toBe(true);
});

test.each([
  ["user*", "names of columns on both sides of *"],
  ["*", "names of columns on both sides of *"],
  ["user*user", "different columns, got 'user' twice; a column alone is --ctr user"],
  ["a*b*c*d*e", "at most 4 columns in a combination, got 5"],
])("%s is refused", (name, why) => {
  expect(() => parseCombination(name)).toThrow(why);
});
