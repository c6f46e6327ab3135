// Expects that --ctr-pairs finds planted pairs, and chooses none if there are none.

import { datasetOf } from "../../../testing/dataset-of.js";
import { plantedPairNames, plantedPairs } from "../../../testing/planted-pairs.js";
import { integerBelow, mulberry32 } from "../../../testing/random.js";
import { choosePairs, type PairsOptions } from "./ctr-pairs.js";
import { rowOrders, type Targets } from "./target-statistics.js";

const rows = plantedPairs(1, 20_000);
const dataset = datasetOf(rows.ids);
const all = Uint32Array.from(rows.labels, (_, row) => row);
const chosen = (labels: ArrayLike<number>, more: Partial<PairsOptions> = {}) => {
  const train: Targets = { dataset, rows: all, labels: Float32Array.from(labels) };
  const options = { columns: dataset.roles.fields, without: [], most: 8, squared: false, ...more };
  return choosePairs(train, rowOrders(train, 1, 7)[0]!, options);
};

const plantedNames = [...plantedPairNames].sort();

test("the planted pairs are chosen and no other, the one that gains most first", () => {
  const { pairs } = chosen(rows.labels);
  expect(pairs.map(({ pair }) => pair).sort()).toEqual(plantedNames);
  expect(pairs[0]!.gain!).toBeGreaterThan(pairs[1]!.gain!);
  expect(chosen(rows.labels).pairs).toEqual(pairs);
});

test("of numbers and of classes, too, and no more than are asked for", () => {
  const names = (labels: number[], more: Partial<PairsOptions>) =>
    chosen(labels, more)
      .pairs.map(({ pair }) => pair)
      .sort();
  const random = mulberry32(5);
  const numbers = rows.labels.map((label) => 40 * label + random());
  expect(names(numbers, { squared: true })).toEqual(plantedNames);
  const classes = rows.labels.map((label) => (label === 1 ? 2 : integerBelow(2, random)));
  expect(names(classes, { classes: ["a", "b", "c"] })).toEqual(plantedNames);
  expect(names(rows.labels, { most: 1 })).toEqual([chosen(rows.labels).pairs[0]!.pair]);
  expect(names(rows.labels, { without: ["campaign*user"] })).toEqual([plantedPairNames[1]]);
});

test("of random labels no pair is chosen, though hardly any combination of user and visit has two rows", () => {
  for (const seed of [1, 2, 3]) {
    const random = mulberry32(seed);
    expect(chosen(rows.labels.map(() => (random() < 0.4 ? 1 : 0))).pairs).toEqual([]);
  }
});

test("effects of columns alone choose no pair", () => {
  const random = mulberry32(4);
  const labels = rows.ids.user.map((user, i) => {
    const odds = (Number(user.slice(1)) % 5) / 5 + (Number(rows.ids.item[i]!.slice(1)) % 4) / 4;
    return random() < odds / 2 ? 1 : 0;
  });
  expect(chosen(labels).pairs).toEqual([]);
});
