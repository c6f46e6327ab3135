// Tests samples of rows on which trees are grown.

import { mulberry32 } from "../../../testing/random.js";
import { trainPlanted } from "../../../testing/planted-trees.js";
import { atRank } from "./samples.js";

test("atRank finds the k-th greatest, as sorting does", () => {
  const random = mulberry32(1);
  const sizes = Float32Array.from({ length: 1000 }, () => (random() < 0.1 ? 0 : random() ** 8));
  const sorted = sizes.toSorted().toReversed();
  const ranks = [1, 2, 200, 999, 1000];
  expect(ranks.map((k) => atRank(sizes, k))).toEqual(ranks.map((k) => sorted[k - 1]));
});

test("goss grows trees on all rows first, then on a fifth and a tenth, and still finds what was planted", async () => {
  const numRows = 20_000;
  const given = { numTrees: 20, learningRate: 0.2, threads: 1 };
  const goss = await trainPlanted({ ...given, boosting: "goss" }, numRows);
  const rows = goss.model.trees.map(
    ({ leaves }) => leaves.reduce((sum, { count }) => sum + count, 0) / numRows,
  );
  expect(rows.slice(0, 5)).toEqual([1, 1, 1, 1, 1]);
  const sampled = rows.slice(5);
  expect(Math.max(...sampled.map((share) => Math.abs(share - 0.3)))).toBeLessThan(0.02);
  const all = await trainPlanted(given, numRows);
  expect(goss.events.at(-1)!.validLoss!).toBeLessThan(1.05 * all.events.at(-1)!.validLoss!);
});

test("goss and bagging at once, and shares of more than all rows, are refused", async () => {
  await expect(trainPlanted({ boosting: "goss", baggingFreq: 1 })).rejects.toThrow("--bagging-freq");
  await expect(trainPlanted({ boosting: "goss", topRate: 0.9, otherRate: 0.2 })).rejects.toThrow(
    "--top-rate",
  );
});
