import { keyAt, MISSING } from "../log/keys.js";
import { datasetOf } from "../testing/dataset-of.js";
import { cellCodes, keyColumn, mapLimit } from "./item-fields.js";
import { rowsAsLog } from "./dataset.js";

const { entries } = mapLimit;
afterAll(() => (mapLimit.entries = entries));

test.each([2 ** 24, 2])("equal numbers have equal codes, with at most %i entries of a Map", (most) => {
  mapLimit.entries = most;
  const numbers = [5, 1, 5, NaN, -0, 0, 2.5, 1];
  const codes = cellCodes({ kind: "number", name: "x", values: Float64Array.from(numbers) });
  numbers.forEach((x, row) => {
    expect(codes[row] === MISSING).toBe(Number.isNaN(x));
    numbers.forEach((y, other) => {
      if (!Number.isNaN(x)) expect(codes[row] === codes[other]).toBe(x === y);
    });
  });
});

test("selected rows as a log have their own keys, in the order of the rows", () => {
  const dataset = datasetOf({ user: ["a", "b", "c", "b", "d"] }, { user: "user" });
  const { columns } = rowsAsLog(dataset, Uint32Array.of(3, 4, 1));
  const { codes, dictionary } = keyColumn({ ...dataset, columns }, "user");
  expect(dictionary.size).toBe(2);
  expect(Array.from(codes, (code) => keyAt(dictionary, code))).toEqual(["b", "d", "b"]);
});
