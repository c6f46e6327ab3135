import { columnSums, interactionsOf, rowSums, transpose } from "./interactions.js";
import type { FeatureRows } from "../rows.js";

// Users are features 0 .. 3, items 4 .. 8; the first feature of each field is out-of-vocabulary.
const user = { first: 0, count: 4 };
const item = { first: 4, count: 5 };
const rowsOf = (...pairs: number[][]): FeatureRows => ({
  numRows: pairs.length,
  width: 0,
  indptr: Uint32Array.from([0, ...pairs.map((_, r) => pairs.slice(0, r + 1).flat().length)]),
  ids: Uint32Array.from(pairs.flat()),
  labels: new Float32Array(pairs.length).fill(1),
});
const lists = ({ indptr, indices }: { indptr: Uint32Array; indices: Uint32Array }) =>
  Array.from({ length: indptr.length - 1 }, (_, r) => [...indices.subarray(indptr[r], indptr[r + 1])]);

test("events are grouped by user and by item, ascending", () => {
  const { users, leftOut } = interactionsOf(rowsOf([2, 8], [1, 5], [2, 5], [1, 6]), user, item);
  const items = transpose(users, item.count);
  expect(lists(users)).toEqual([[], [1, 2], [1, 4], []]);
  expect(lists(items)).toEqual([[], [1, 2], [1], [], [2]]);
  expect([users.values, items.values, leftOut]).toEqual([undefined, undefined, 0]);
});

test("the columns may stand in either order, and a repeated pair counts", () => {
  const { users } = interactionsOf(rowsOf([8, 2], [2, 8], [5, 1], [8, 2]), user, item);
  const items = transpose(users, item.count);
  expect(columnSums(users, item.count)).toEqual(rowSums(items));
  expect(lists(users)).toEqual([[], [1], [4], []]);
  expect([...users.values!]).toEqual([1, 3]);
  expect([...items.values!]).toEqual([1, 3]);
});

test("an event counts its weight", () => {
  const rows = { ...rowsOf([2, 8], [2, 5], [2, 8]), weights: Float32Array.of(0.5, 1, 2) };
  const { users } = interactionsOf(rows, user, item);
  const items = transpose(users, item.count);
  expect(columnSums(users, item.count)).toEqual(rowSums(items));
  expect(lists(users)).toEqual([[], [], [1, 4], []]);
  expect([...users.values!]).toEqual([1, 2.5]);
  expect([...items.values!]).toEqual([1, 2.5]);
});

test("events without a known user and item are left out", () => {
  const rows = rowsOf([0, 5], [1, 4], [1], [6], [3, 7]);
  const { users, leftOut } = interactionsOf(rows, user, item);
  expect(lists(users)).toEqual([[], [], [], [3]]);
  expect(leftOut).toBe(4);
});

test("weights of repeated events add up", () => {
  const rows = { ...rowsOf([1, 5], [2, 5], [1, 5]), weights: Float32Array.of(0.5, 2, 0.25) };
  const { users } = interactionsOf(rows, user, item);
  const items = transpose(users, item.count);
  expect(columnSums(users, item.count)).toEqual(rowSums(items));
  expect([...users.values!]).toEqual([0.75, 2]);
  expect([...items.values!]).toEqual([0.75, 2]);
});
