import { type FeatureRows, joinedRows } from "./rows.js";

// Features 0 .. 9 are users, 10 .. 19 items and 20 .. 29 tags of items. In one test, features 5 .. 7 are colors of
// items, and features 8 and 9 users.
const dense = (width: number, ids: number[]): FeatureRows => ({
  numRows: ids.length / Math.max(1, width),
  width,
  ids: Uint32Array.from(ids),
  labels: new Float32Array(ids.length / Math.max(1, width)),
});
const pairsOf = ({ indptr, width, ids, values, numRows }: FeatureRows) =>
  Array.from({ length: numRows }, (_, r) => {
    const [from, to] = indptr ? [indptr[r]!, indptr[r + 1]!] : [r * width, (r + 1) * width];
    return Array.from(ids.subarray(from, to), (id, i) => [id, values ? values[from + i]! : 1]);
  });

test("rows of one feature a field stay so, in the order of their fields", () => {
  const users = dense(1, [8, 9]);
  const items = dense(2, [5, 11, 6, 12]);
  const joined = joinedRows(users, Uint32Array.of(0, 1, 1), items, Uint32Array.of(1, 0, 1));
  expect(joined).toMatchObject({ numRows: 3, width: 3, ids: Uint32Array.of(6, 8, 12, 5, 9, 11, 6, 9, 12) });
  expect(joined.values).toBeUndefined();
});

test("values go with their features, a field's own order stays, and a part may have no features", () => {
  const nobody: FeatureRows = { ...dense(0, []), numRows: 2 };
  const items: FeatureRows = {
    ...dense(1, []),
    numRows: 2,
    indptr: Uint32Array.of(0, 3, 4),
    ids: Uint32Array.of(10, 27, 21, 12),
    values: Float32Array.of(1, 0.25, 0.75, 1),
  };
  const places = Uint32Array.of(0, 1);
  const own = [
    [
      [10, 1],
      [27, 0.25],
      [21, 0.75],
    ],
    [[12, 1]],
  ];
  expect(pairsOf(joinedRows(nobody, places, items, places))).toEqual(own);
  const users = dense(1, [3, 4]);
  expect(pairsOf(joinedRows(users, places, items, places))).toEqual([
    [[3, 1], ...own[0]!],
    [[4, 1], ...own[1]!],
  ]);
});
