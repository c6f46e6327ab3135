import { byGroup, groupStarts, orderByGroup } from "./groups.js";

const groups = [2, 0, 0xffffffff, 2, 3, 0, 5];
const groupOf = (n: number) => groups[n]!;

test("numbers are sorted by group, in ascending order in each; those without a group are left out", () => {
  const { starts, order } = byGroup(groupOf, groups.length, 4);
  expect([...starts]).toEqual([0, 2, 2, 4, 5]);
  expect([...order]).toEqual([1, 5, 0, 3, 4]);
});

test("the groups of a part of the starts are sorted alone", () => {
  const starts = groupStarts(groupOf, groups.length, 4);
  const order = orderByGroup((n) => groupOf(n) - 2, groups.length, starts.subarray(2));
  expect([...order]).toEqual([0, 3, 4]);
});

test("no numbers, and no groups", () => {
  expect(byGroup(groupOf, 0, 2)).toEqual({ starts: new Uint32Array(3), order: new Uint32Array() });
  expect(byGroup(groupOf, 7, 0)).toEqual({ starts: new Uint32Array(1), order: new Uint32Array() });
});
