// Tests the initializations of the embedding layer from a table, including the controls.

import { encodeKeys } from "../../log/keys.js";
import { featureHashes, featureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { embeddingWidth, type NetArch } from "../../compute/kernels/net/shape.js";
import { initialParameters, type NetDesign } from "./plan.js";
import type { Initialization } from "../../training/session/trainer.js";
import type { TableStart } from "../../training/warm-start/table-init.js";
import { putTable } from "./initialization.js";

const fieldOf = (name: string, keys: string[]) => ({
  kind: "key" as const,
  name,
  keys: encodeKeys(keys),
  counts: new Uint32Array(keys.length + 1).fill(1),
});
const letters = "abcdefghijkl".split("");
const space = featureSpace([fieldOf("letter", letters), fieldOf("number", ["1", "2", "3"])]);
const { numFeatures } = space;
const dim = 3;

/**
 * A table that has all features except the last. The weight of a feature is its number, and its vector starts at 100
 * times this number.
 */
const table: TableStart = {
  known: Uint8Array.from({ length: numFeatures }, (_, feature) => (feature < numFeatures - 1 ? 1 : 0)),
  vectors: Float32Array.from({ length: numFeatures * dim }, (_, i) => 100 * Math.floor(i / dim) + (i % dim)),
  w: Float32Array.from({ length: numFeatures }, (_, feature) => feature),
  w0: -2,
};

function planOf(arch: NetArch): NetDesign {
  return {
    arch,
    offsets: space.offsets,
    dim,
    numNumeric: 0,
    hidden: [4],
    activation: "relu",
    embeddingRelu: false,
    dropout: 0,
    layerNorm: false,
    numCrosses: 0,
    loss: "logistic",
    learningRate: 0.01,
    l2: 0,
    embeddingLearningRate: 0.1,
    embeddingL2: 0,
    clipNorm: 0,
    learningRateDecay: 1,
    wideLearningRate: 0.1,
    wideL1: 0,
    wideL2: 0,
    seed: 3,
    batch: 16,
  };
}

function started(arch: NetArch, kind: Initialization) {
  const plan = planOf(arch);
  const counts = new Uint32Array(numFeatures).fill(1);
  const random = initialParameters(plan, featureHashes(space), counts);
  const first = Object.fromEntries(Object.entries(random).map(([name, array]) => [name, array.slice()]));
  putTable(plan, space, first, table, { kind, labelScale: 2 });
  const width = embeddingWidth(plan);
  const rowOf = (of: Record<string, Float32Array>, feature: number) => [
    ...of["embeddings"]!.subarray(feature * width, (feature + 1) * width),
  ];
  return { random, first, row: (feature: number) => rowOf(first, feature), rowOf };
}

const lengthOf = (row: readonly number[]) => Math.hypot(...row);

test("of fnn a known feature starts as (w, v) of the table, w0 as its w0, and an unknown one as random", () => {
  const { first, random, row, rowOf } = started("fnn", "table");
  expect(row(5)).toEqual([5, 500, 501, 502]);
  expect(first["w0"]![0]).toBe(-2);
  expect(row(numFeatures - 1)).toEqual(rowOf(random, numFeatures - 1));
  expect(first["layers.0.weight"]).toEqual(random["layers.0.weight"]);
});

test("of wide-deep weights and w0 go to the wide part, in the unit that labels are divided to", () => {
  const { first, row } = started("wide-deep", "table");
  expect(row(5)).toEqual([500, 501, 502]);
  expect([first["wide"]![5], first["output.bias"]![0]]).toEqual([2.5, -1]);
});

test("of deep-crossing vectors alone are taken", () => {
  const { first, row } = started("deep-crossing", "table");
  expect(row(5)).toEqual([500, 501, 502]);
  expect(Object.keys(first)).not.toContain("wide");
});

test("shuffled rows are those of the table, each once and within their field, with their weights", () => {
  const { row } = started("fnn", "shuffled");
  const numbers = Array.from({ length: numFeatures - 1 }, (_, feature) => row(feature)[0]!);
  const firstField = numbers.slice(0, letters.length + 1);
  expect([...firstField].sort((a, b) => a - b)).toEqual([...firstField.keys()]);
  expect(firstField).not.toEqual([...firstField.keys()]);
  expect(numbers.every((w, feature) => row(feature)[1] === 100 * w)).toBe(true);
});

test("rows of the same norms are as long as the table's and point as random ones do", () => {
  const { random, row, rowOf } = started("deep-crossing", "norms");
  for (const feature of [1, 5, 14]) {
    const [own, first] = [row(feature), rowOf(random, feature)];
    expect(lengthOf(own) / lengthOf([100 * feature, 100 * feature + 1, 100 * feature + 2])).toBeCloseTo(1, 6);
    const cosine = own.reduce((sum, x, k) => sum + x * first[k]!, 0) / lengthOf(own) / lengthOf(first);
    expect(cosine).toBeCloseTo(1, 6);
  }
});
