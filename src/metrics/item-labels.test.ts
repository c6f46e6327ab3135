// Tests the evaluation of tables on labels, in cases that can be computed by hand.

import { mulberry32 } from "../testing/random.js";
import { NO_ITEM } from "../compute/kernels/top-items/binding.js";
import { nearestRows } from "../table/retrieval/nearest.js";
import {
  itemLabels,
  labelsOfItem,
  rarerHalf,
  sharedByChance,
  sharedLabels,
  f1,
  probeByFrequency,
  probeLabels,
} from "./label-metrics.js";

// The items have the labels a, a|b, b and c.
const four = itemLabels([[0], [0, 1], [1], [2]], 3);

test("of several labels one in common is enough, and an item without neighbors shares none", () => {
  // prettier-ignore
  const nearest = Uint32Array.of(
    1, 2, // items with label a: item 1 (a|b) shares the label, item 2 (b) does not
    0, 2, // item 1 has the labels a and b: each of its two neighbors shares one of them
    3, NO_ITEM, // items with label b: item 3 (c) does not share it
    NO_ITEM, NO_ITEM,
  );
  expect([...sharedLabels(four, nearest, 2, 2)]).toEqual([0.5, 1, 0, 0]);
  expect([...sharedLabels(four, nearest, 2, 1)]).toEqual([1, 1, 0, 0]);
});

test("chance is the share of all others with a label in common", () => {
  expect([...sharedByChance(four)]).toEqual([1 / 3, 2 / 3, 1 / 3, 0]);
});

test("over all others as neighbors, what is shared is what chance gives, whatever the vectors", async () => {
  const random = mulberry32(5);
  const [n, dim] = [30, 3];
  const items = itemLabels(
    Array.from({ length: n }, (_, i) => [i % 4, 4 + (i % 3)].filter(() => random() < 0.8)),
    7,
  );
  const vectors = Float32Array.from({ length: n * dim }, () => random() - 0.5);
  const nearest = await nearestRows(vectors, dim, n - 1, { threads: 1 });
  expect(sharedLabels(items, nearest, n - 1, n - 1)).toEqual(sharedByChance(items));
});

test("the nearest by cosine are those of a plain search, and their labels are counted alike", async () => {
  const random = mulberry32(6);
  const [n, dim, k] = [40, 4, 5];
  const items = itemLabels(
    Array.from({ length: n }, () => [Math.floor(random() * 3)]),
    3,
  );
  const vectors = Float32Array.from({ length: n * dim }, () => random() - 0.5);
  const dot = (i: number, j: number) =>
    Array.from({ length: dim }, (_, d) => vectors[i * dim + d]! * vectors[j * dim + d]!).reduce(
      (a, b) => a + b,
    );
  const expected = Array.from({ length: n }, (_, i) => {
    const cosine = (j: number) => dot(i, j) / Math.sqrt(dot(i, i) * dot(j, j));
    const others = Array.from({ length: n }, (_, j) => j).filter((j) => j !== i);
    const near = others.sort((a, b) => cosine(b) - cosine(a)).slice(0, k);
    return near.filter((j) => labelsOfItem(items, j)[0] === labelsOfItem(items, i)[0]).length / k;
  });
  const nearest = await nearestRows(vectors, dim, k, { threads: 1 });
  expect([...sharedLabels(items, nearest, k, k)]).toEqual(expected);
});

test("the rarer half is of the fewest events, ties in order, the smaller half of an odd number", () => {
  expect([...rarerHalf([5, 1, 3, 3, 9])]).toEqual([0, 1, 1, 0, 0]);
});

test("F1 is micro over all labels and macro over those that the test items have", () => {
  // Items 0 (a), 1 (a|b) and 3 (c) get the predictions a, a|c and a. Label a has 2 hits, 3 predictions and 2 items; b
  // has no hit; c has 1 wrong prediction and no hit.
  const { micro, macro } = f1(four, [0, 1, 3], [[0], [0, 2], [0]]);
  expect(micro).toBeCloseTo((2 * 2) / (4 + 4), 12);
  expect(macro).toBeCloseTo(4 / 5 / 3, 12);
});

test("the probe reads labels that the vectors say, and no more than frequency from vectors that say nothing", () => {
  const random = mulberry32(7);
  const [n, dim] = [600, 3];
  const vectors = Float32Array.from({ length: n * dim }, () => random() - 0.5);
  const largest = Array.from({ length: n }, (_, i) => {
    const row = [...vectors.subarray(i * dim, (i + 1) * dim)];
    return row.indexOf(Math.max(...row));
  });
  const isTest = Uint8Array.from({ length: n }, (_, i) => (i % 5 === 0 ? 1 : 0));
  const given = itemLabels(
    largest.map((label) => [label]),
    3,
  );
  expect(probeLabels(vectors, dim, given, isTest).micro).toBeGreaterThan(0.95);
  // 60 % of the items have label 0, independently of their vectors.
  const called = itemLabels(
    largest.map(() => [random() < 0.6 ? 0 : 1 + Math.floor(2 * random())]),
    3,
  );
  const [probed, frequent] = [probeLabels(vectors, dim, called, isTest), probeByFrequency(called, isTest)];
  expect(Math.abs(probed.micro - frequent.micro)).toBeLessThan(0.05);
  expect(frequent.macro).toBeCloseTo((2 * frequent.micro) / (1 + frequent.micro) / 3, 12);
});
