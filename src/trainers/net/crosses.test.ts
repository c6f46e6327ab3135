// Tests crossed features of the wide part.

import { encodeKeys } from "../../log/keys.js";
import { featureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { UsageError } from "../../base/errors.js";
import { crosserOf, numCrossesOf } from "./crosses.js";

const fieldOf = (name: string, keys: string[]) => ({
  kind: "key" as const,
  name,
  keys: encodeKeys(keys),
  counts: new Uint32Array(keys.length + 1),
});
const number = { kind: "number" as const, name: "price", mean: 0, deviation: 1, count: 1 };
// the features of field a are 0 to 2, those of b are 3 to 5, and price is 6
const space = featureSpace([fieldOf("a", ["x", "y"]), fieldOf("b", ["x", "y"]), number]);
const rowsOf = (rows: number[][]) => ({
  numRows: rows.length,
  width: 0,
  indptr: Uint32Array.from([0, ...rows.map((_, r) => rows.slice(0, r + 1).flat().length)]),
  ids: Uint32Array.from(rows.flat()),
  labels: new Float32Array(rows.length),
});
const plan = (fields: [string, string][]) => ({ fields, bits: 16 });

test("a pair of keys has one weight of its pair of fields, whatever the row, and other pairs have others", () => {
  const pairs = plan([
    ["a", "b"],
    ["b", "a"],
  ]);
  const found = crosserOf(space, pairs)!(
    rowsOf([
      [1, 4],
      [1, 5],
      [4, 1, 6],
      [2, 4],
    ]),
  );
  const of = (r: number) => [...found.ids.subarray(found.indptr![r], found.indptr![r + 1])];
  expect(of(2)).toEqual(of(0));
  const all = new Set([...of(0), ...of(1), ...of(3)]);
  expect(all.size).toBe(6);
  expect(Math.max(...all)).toBeLessThan(numCrossesOf(pairs));
  expect(of(0)[0]).toBeLessThan(2 ** 16);
  expect(of(0)[1]).toBeGreaterThanOrEqual(2 ** 16);
});

test("a cell of several keys makes a cross of each, a missing one none", () => {
  const found = crosserOf(space, plan([["a", "b"]]))!(rowsOf([[1, 2, 4], [1], []]));
  expect([...found.indptr!]).toEqual([0, 2, 2, 2]);
});

test.each([
  [["a", "c"], "'c' is not a field"],
  [["price", "a"], "'price' is numeric"],
] as [[string, string], string][])("crossing %s is refused", (pair, message) => {
  expect(() => crosserOf(space, plan([pair]))).toThrow(UsageError);
  expect(() => crosserOf(space, plan([pair]))).toThrow(message);
});
