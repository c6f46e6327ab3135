import { MISSING, encodeKeys } from "../../log/keys.js";
import type { Dataset } from "../dataset.js";
import { splitRows } from "./split.js";

const items = ["a", "b", "c", "d", "e"];
/** Keys of the items by row; the last row has no item. */
const codes = Uint32Array.of(4, 0, 1, 2, 3, 0, 4, 3, MISSING);
const times = Float64Array.of(90, 10, 20, 30, 40, 95, 5, 99, 1);

function dataset(timed: boolean): Dataset {
  return {
    numRows: codes.length,
    columns: [
      { kind: "key", name: "item", codes, dictionary: encodeKeys(items) },
      ...(timed ? [{ kind: "number" as const, name: "t", values: times }] : []),
    ],
    roles: { item: "item", ...(timed && { time: "t" }), fields: ["item"], numeric: [], multi: {} },
    inputs: [],
  };
}

test("the newest items by their first event, whatever comes later, are the test part; those before are validation", () => {
  // The items' first events have these times: e 5, a 10, b 20, c 30, d 40.
  const { train, valid, test, note } = splitRows(dataset(true), {
    by: "items",
    valid: 0.2,
    test: 0.2,
    seed: 1,
  });
  expect([[...train], [...valid], [...test]]).toEqual([[0, 1, 2, 5, 6, 8], [3], [4, 7]]);
  expect(note).toBe(
    "--split items holds out 1 for validation and 1 for the test of 5 items: the newest by first event, starting at 1970-01-01T00:00:00.030Z",
  );
});

test("without times items are held out by a hash of seed and key, all their rows together", () => {
  const cut = (seed: number) => splitRows(dataset(false), { by: "items", valid: 0, test: 0.4, seed });
  const { train, test, note } = cut(1);
  expect(note).toMatch(/2 for the test of 5 items: by a hash/);
  const held = new Set([...test].map((row) => codes[row]!));
  expect(held.size).toBe(2);
  expect([...train].every((row) => !held.has(codes[row]!))).toBe(true);
  expect(train).toContain(8);
  expect(cut(1).test).toEqual(test);
  expect(
    Array.from({ length: 8 }, (_, seed) => [...cut(seed).test].join()).some(
      (rows) => rows !== [...test].join(),
    ),
  ).toBe(true);
});

test("without items it is refused", () => {
  const { roles: _, ...rest } = dataset(true);
  const without = { ...rest, roles: { fields: [], numeric: [], multi: {} } };
  expect(() => splitRows(without, { by: "items", valid: 0, test: 0.4, seed: 1 })).toThrow(/--item/);
});
