import { neighborRows, withNeighborRows } from "./item-neighbors.js";
import { forEachPair, type FeatureRows } from "../rows.js";

const labels = new Float32Array(3);
/** Features 0 to 2 are items, features 3 to 5 are values of another column. */
const rows: FeatureRows = {
  numRows: 3,
  width: 0,
  indptr: Uint32Array.of(0, 2, 5, 6),
  ids: Uint32Array.of(0, 3, 1, 3, 4, 2),
  values: Float32Array.of(1, 1, 1, 0.5, 0.5, 1),
  labels,
};
const neighbors = {
  indptr: Uint32Array.of(0, 2, 3, 3),
  items: Uint32Array.of(1, 2, 0),
  weights: Float64Array.of(0.75, 0.25, 1),
  sampledUsers: 0,
};
const pairsOf = (all: FeatureRows) =>
  Array.from({ length: all.numRows }, (_, row) => {
    const pairs: [number, number][] = [];
    forEachPair(all, row, (feature, x) => pairs.push([feature, x]));
    return pairs;
  });
const added = neighborRows(rows, neighbors, { from: 0, end: 3 }, 2);

test("an item takes over its neighbors' values by weight and scale, and not their keys", () => {
  expect(pairsOf(added)).toEqual([
    [
      [3, 0.75],
      [4, 0.75],
    ],
    [[3, 2]],
    [],
  ]);
});

test("what a row has and what is added are one pair a feature", () => {
  expect(pairsOf(withNeighborRows(rows, added))).toEqual([
    [
      [0, 1],
      [3, 1.75],
      [4, 0.75],
    ],
    [
      [1, 1],
      [3, 2.5],
      [4, 0.5],
    ],
    [[2, 1]],
  ]);
});

test("rows of another table take what their items' neighbors add, and unknown items nothing", () => {
  const table: FeatureRows = { numRows: 2, width: 1, ids: Uint32Array.of(5, 3), labels: new Float32Array(2) };
  expect(pairsOf(withNeighborRows(table, added, (row) => (row === 0 ? 3 : 1)))).toEqual([[[5, 1]], [[3, 3]]]);
});
