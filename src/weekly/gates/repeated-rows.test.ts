import { datasetOf } from "../../testing/dataset-of.js";
import { repeatedRows } from "./repeated-rows.js";

const numRows = 20_000;
/** The last quarter has the rows of the first one in reverse order, but every tenth of them is another row. */
const ids = Array.from({ length: numRows }, (_, row) =>
  row < 15_000 || row % 10 === 0 ? row : numRows - 1 - row,
);
const dataset = datasetOf({ user: ids.map((id) => `u${id % 7}`), time: ids.map((id) => 1e12 + id) });
const groups = [0, 5000, 10_000, 15_000].map((start, g) => ({
  ...{ name: "abcd"[g]!, isNew: g === 3, isWhole: true },
  ...{ start, end: start + 5000 },
}));

test("rows of an earlier file are found in another order, and the file is named", () => {
  expect(repeatedRows(dataset, groups)).toEqual([
    ...["a", "b", "c"].map(() => ({ share: 0, of: "" })),
    { share: 0.9, of: "a" },
  ]);
});

test("a sample of the rows gives nearly the same share, and one of fewer than ten rows none", () => {
  const found = repeatedRows(dataset, groups, 4000);
  expect(found.slice(0, 3).map((each) => each!.share)).toEqual([0, 0, 0]);
  // the sample has about 1,000 rows of the file: four standard deviations
  expect(Math.abs(found[3]!.share - 0.9)).toBeLessThan(0.04);
  expect(repeatedRows(dataset, groups, 1)).toEqual([undefined, undefined, undefined, undefined]);
});
