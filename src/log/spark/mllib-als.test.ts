// Tests that vectors from a server are stored by id, or rejected.

import { DivergedError, IoError } from "../../base/errors.js";
import { arrow } from "../../base/io/apache-arrow.js";
import { FactorCollector } from "./mllib-als.js";

const side = { numRows: 5, isRated: Uint8Array.of(0, 1, 1, 0, 1) };
const { Field, FixedSizeList, Float32, Float64, Int32, List, vectorFromArray } = arrow;

/** Returns an Arrow stream of factors as Spark's ALS stores them, a row for each id. */
function stream(
  ids: (number | null)[],
  features: (number | null)[][],
  of: typeof Float32 | typeof Float64 = Float32,
) {
  const list = new List(new Field("element", new of(), true));
  const columns = { id: vectorFromArray(ids, new Int32()), features: vectorFromArray(features, list) };
  return arrow.tableToIPC(new arrow.Table(columns), "stream");
}

/** Storage for two vectors of two values each. */
const pairs = (a: number, b: number, c: number, d: number) => [
  [a, b],
  [c, d],
];

const collector = () => new FactorCollector(side, 2, "userFactors", "sc://host");

test("vectors are in the order of their ids, however they come; ids without events are zero", () => {
  const own = collector();
  own.add(stream([4, 1], pairs(7, 8, 1, 2)));
  own.add(stream([2], [[3, -4]]));
  own.add(stream([], []));
  expect([...own.vectors()]).toEqual([0, 0, 1, 2, 3, -4, 0, 0, 7, 8]);
});

const fixed = () => {
  const list = new FixedSizeList(2, new Field("element", new Float32(), true));
  const columns = { id: vectorFromArray([1], new Int32()), features: vectorFromArray([[1, 2]], list) };
  return arrow.tableToIPC(new arrow.Table(columns), "stream");
};

test.each<[string, () => Uint8Array, RegExp]>([
  ["an id beyond the rows", () => stream([5], [[1, 2]]), /of id 5, which has no events/],
  ["an id below 0", () => stream([-1], [[1, 2]]), /of id -1/],
  ["an id without events", () => stream([3], [[1, 2]]), /of id 3/],
  ["an id twice", () => stream([1, 1], pairs(1, 2, 1, 2)), /with id 1 twice/],
  ["a short vector", () => stream([1, 2], [[1], [1, 2]]), /of 1 values instead of 2/],
  ["a long vector", () => stream([1], [[1, 2, 3]]), /of 3 values instead of 2/],
  ["a missing id", () => stream([null], [[1, 2]]), /of other columns/],
  ["a missing value", () => stream([1], [[1, null]]), /of other columns/],
  ["doubles", () => stream([1], [[1, 2]], Float64), /of other columns/],
  ["lists of a fixed size", fixed, /column 1 has no values/],
  ["other bytes", () => Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9), /not a valid Arrow stream|without id/],
])("%s is an error", (_, bytes, message) => {
  const own = collector();
  const take = () => {
    own.add(bytes());
    // a stream without batches is rejected because vectors are missing
    own.vectors();
  };
  expect(take).toThrow(IoError);
  expect(take).toThrow(message);
});

test("a missing vector and one that is not finite are errors", () => {
  const own = collector();
  own.add(stream([1, 2], pairs(1, 2, 3, 4)));
  expect(() => own.vectors()).toThrow(/without id 4, which has events/);
  expect(() => own.add(stream([4], [[1, NaN]]))).toThrow(DivergedError);
});
