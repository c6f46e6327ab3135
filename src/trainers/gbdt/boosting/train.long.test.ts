// Tests boosted trees on planted data.

import { logLoss } from "../../../metrics/metrics.js";
import { UsageError } from "../../../base/errors.js";
import { exp } from "../../../base/numeric/exp.js";
import type { Forest } from "../forest/forest.js";
import { lightgbmText, readLightgbm } from "../forest/lightgbm-text.js";
import { checkGbdtOptions, defaultGbdtOptions, type GbdtOptions } from "../options.js";
import { planted, trainPlanted } from "../../../testing/planted-trees.js";
import { columnRecipes, vocabulariesOf } from "../preprocess.js";
import { ForestScorer } from "../forest/scorer.js";
import { modelScores } from "../leaf-heads/head.js";
import { scalesOf } from "./gradients.js";

type Planted = Awaited<ReturnType<typeof trainPlanted>>;

function forestOf({ model, features }: Planted): Forest {
  const columns = features.map(({ kind, name }) => ({ kind, name, missing: "nan" as const }));
  return { objective: "binary", columns, trees: model.trees };
}

const all = (n: number) => Uint32Array.from({ length: n }, (_, row) => row);

test.each([
  ["as it is", {}],
  ["depth first", { grow: "depth" }],
  [
    "goss: share of rows with the largest gradients to keep for each tree",
    { boosting: "goss", learningRate: 0.3 },
  ],
  ["of samples", { baggingFraction: 0.5, baggingFreq: 2, featureFraction: 0.7 }],
] as [string, Partial<GbdtOptions>][])("the same trees at 1, 2 and 3 threads, %s", async (_, given) => {
  const texts = [];
  for (const threads of [1, 2, 3]) {
    const { model, events } = await trainPlanted({ ...given, threads }, 9001);
    const losses = events.map(({ trainLoss, validLoss }) => [trainLoss, validLoss]);
    texts.push(JSON.stringify([model.trees, losses]));
  }
  expect(texts[1] === texts[0] && texts[2] === texts[0]).toBe(true);
});

test("the validation loss of the machine is that of the forest on raw cells, missing and unknown ones too", async () => {
  const trained = await trainPlanted({});
  const forest = forestOf(trained);
  const vocabularies = vocabulariesOf(columnRecipes(trained.features));
  const { dataset, labels } = trained.valid;
  const scores = await modelScores({ forest, vocabularies }, { dataset, rows: all(labels.length) }, 2);
  expect(logLoss(scores, labels)).toBeCloseTo(trained.events.at(-1)!.validLoss!, 5);
});

test("planted odds are found: within 3 % of what knowing them gives", async () => {
  const { events } = await trainPlanted({ numTrees: 100 }, 80_000);
  const { dataset, labels } = planted(2, 2000);
  const [x, many, few] = dataset.columns;
  if (x?.kind !== "number" || many?.kind !== "key" || few?.kind !== "key")
    throw new TypeError("other columns");
  const odds = Float64Array.from(labels, (_, row) => {
    const v = x.values[row]!;
    const step = Number.isNaN(v) ? 1 : v > 0.5 ? 2 : -1;
    return step + (many.codes[row]! % 7 < 3 ? 1 : -1) + (few.codes[row] === 1 ? 0.5 : 0);
  });
  expect(Math.min(...events.map(({ validLoss }) => validLoss!))).toBeLessThan(1.03 * logLoss(odds, labels));
});

test("every leaf has its least rows, and its value is the Newton step of its rows' gradients to 1e-6", async () => {
  const trained = await trainPlanted({ numTrees: 1, minDataInLeaf: 37 });
  const { model, features, train, options } = trained;
  const [tree] = model.trees;
  expect(Math.min(...tree!.leaves.map(({ count }) => count))).toBeGreaterThanOrEqual(37);
  expect(tree!.leaves.reduce((sum, { count }) => sum + count, 0)).toBe(train.labels.length);

  const mean = train.labels.reduce((a, b) => a + b) / train.labels.length;
  const scorer = await ForestScorer.start(forestOf(trained), 1, true);
  const sums = tree!.leaves.map(() => ({ g: 0, n: 0 }));
  const rows = all(train.labels.length);
  for await (const { first, leaves } of scorer.score(
    train.dataset,
    rows,
    vocabulariesOf(columnRecipes(features)),
    true,
  )) {
    leaves!.forEach((leaf, i) => {
      sums[leaf]!.g += mean - train.labels[first + i]!;
      sums[leaf]!.n++;
    });
  }
  await scorer.terminate();
  expect(sums.map(({ n }) => n)).toEqual(tree!.leaves.map(({ count }) => count));
  // catL2 is added to the L2 of a leaf if its parent's split has a set of several categories
  const base = Math.log(mean / (1 - mean));
  const steps = (l2: number) =>
    sums.map(({ g, n }) => base - (options.learningRate * g) / (n * mean * (1 - mean) + l2));
  const [plain, more] = [steps(0), steps(options.catL2)];
  const apart = tree!.leaves.map(({ value }, l) =>
    Math.min(Math.abs(value - plain[l]!), Math.abs(value - more[l]!)),
  );
  expect(Math.max(...apart)).toBeLessThan(1e-6);
});

test("training stops after `patience` trees without a better validation loss and keeps the best", async () => {
  const { model, events } = await trainPlanted({ numTrees: 500, patience: 5, learningRate: 0.5 });
  const best = events.findIndex(
    ({ validLoss }) => validLoss === Math.min(...events.map((e) => e.validLoss!)),
  );
  expect(events.length).toBe(best + 1 + 5);
  expect(model.trees.length).toBe(best + 1);
});

test("fewer rows than two leaves need give one leaf: the best constant", async () => {
  const { model, train } = await trainPlanted({ minDataInLeaf: 4000 });
  const mean = train.labels.reduce((a, b) => a + b) / train.labels.length;
  expect(model.trees).toHaveLength(1);
  expect(1 / (1 + exp(-model.trees[0]!.leaves[0]!.value))).toBeCloseTo(mean, 10);
});

test("the text model reads back to the same forest", async () => {
  const trained = await trainPlanted({});
  const forest = forestOf(trained);
  const text = lightgbmText(forest, trained.features, trained.options);
  const read = readLightgbm(text, "model.txt");
  expect(read.columns).toEqual(forest.columns);
  const shape = ({ trees }: Forest) => JSON.stringify(trees.map(({ nodes, leaves }) => ({ nodes, leaves })));
  expect(shape(read)).toBe(shape(forest));
});

test.each([
  ["cut short", (text: string) => text.slice(0, text.length / 2), "the file is truncated"],
  ["of a newer version", (text: string) => text.replace("version=v4", "version=v9"), "version v9"],
  [
    "of more classes than its objective",
    (text: string) => text.replace("num_class=1", "num_class=3"),
    "num_class 3",
  ],
  ["with linear leaves", (text: string) => text.replace("is_linear=0", "is_linear=1"), "linear"],
  [
    "with a lost child",
    (text: string) => text.replace(/left_child=\S+/, "left_child=77"),
    "do not form a tree",
  ],
  ["with a number lost", (text: string) => text.replace(/leaf_value=\S+ /, "leaf_value="), "leaf_value"],
  ["' has a different kind than in training", () => "<html>", "first line"],
])("a text model %s is refused by what is wrong with it", async (_, damage, why) => {
  const trained = await trainPlanted({ numTrees: 2 }, 2000);
  const text = lightgbmText(forestOf(trained), trained.features, trained.options);
  expect(() => readLightgbm(damage(text), "model.txt")).toThrow(why);
});

test("scales keep the sums of 16 M rows within their bits, and bits for a rare event's negatives", () => {
  const n = 2 ** 24;
  const rate = 0.001;
  const [sumG, sumH] = [2 * rate * n, rate * (1 - rate) * n];
  for (const weight of [1, 1000]) {
    const { scaleG, scaleH } = scalesOf(weight * sumG, weight * sumH);
    expect(weight * sumG * scaleG).toBeLessThanOrEqual(2 ** 50);
    expect(weight * sumH * scaleH + n).toBeLessThan(2 ** 38);
    expect(rate * (1 - rate) * weight * scaleH).toBeGreaterThan(2 ** 12);
    expect(rate * weight * scaleG).toBeGreaterThanOrEqual(2 ** 24);
  }
});

test("an option out of range is told with its range", () => {
  const check = (given: Partial<GbdtOptions>) => () =>
    checkGbdtOptions({ ...defaultGbdtOptions(), ...given });
  expect(check({ numLeaves: 1 })).toThrow("--num-leaves expects an integer from 2 to 65536, got '1'");
  expect(check({ baggingFraction: 0.5 })).toThrow(UsageError);
});
