import { encodeKeys } from "../../../log/keys.js";
import { createHash } from "node:crypto";
import type { FeatureRows } from "../../../dataset/rows.js";
import { featureSpace, type Field } from "../../../dataset/vocabulary/vocabulary.js";
import { draw } from "../../../base/numeric/random.js";
import type { FmOptions } from "../options.js";
import { defaultFmOptions } from "../../../testing/fm-options.js";
import type { FactorStart } from "../../shared/factor-model/warm-start.js";
import type { EmbeddingTable } from "../../../table/table.js";
import type { LearnerInput } from "../../../training/session/feature-training.js";
import { learnFfm, inFieldOrder, trainingInFieldOrder } from "./learn.js";

const NUM_FIELDS = 9;
const SIZE = 12;
const unit = (key: number, i: number) => draw(key, i) / 2 ** 32;

const space = featureSpace(
  Array.from({ length: NUM_FIELDS }, (_, f): Field => {
    const keys = encodeKeys(Array.from({ length: SIZE }, (__, i) => `key${i}`));
    return { kind: f === 2 ? "multi" : "key", name: `field${f}`, keys, counts: new Uint32Array(SIZE + 1) };
  }),
);

/**
 * Generates rows whose label depends on interactions of the first three fields, with different vectors for each pair of
 * fields.
 */
function planted(numRows: number, seed: number, several: boolean): FeatureRows {
  const ids: number[] = [];
  const values: number[] = [];
  const indptr = [0];
  const labels = Float32Array.from({ length: numRows }, (_, r) => {
    const first = ids.length;
    for (let f = 0; f < NUM_FIELDS; f++) {
      const count = several && f === 2 ? 1 + (r % 2) : 1;
      for (let i = 0; i < count; i++) {
        ids.push(space.offsets[f]! + 1 + ((draw(seed, r * NUM_FIELDS + f) + i) % SIZE));
        values.push(1 / count);
      }
    }
    indptr.push(ids.length);
    const [a, b, c] = [ids[first]!, ids[first + 1]!, ids[first + 2]!];
    const score = (unit(a, b) - 0.5) * 6 + (unit(b, c) - 0.5) * 6;
    return unit(seed + 999, r) < 1 / (1 + Math.exp(-score)) ? 1 : 0;
  });
  return {
    numRows,
    width: several ? 0 : NUM_FIELDS,
    ids: Uint32Array.from(ids),
    labels,
    ...(several && { indptr: Uint32Array.from(indptr), values: Float32Array.from(values) }),
  };
}

function inputOf(train: FeatureRows, valid?: FeatureRows): LearnerInput<FactorStart> {
  const counts = new Uint32Array(space.numFeatures);
  for (const id of train.ids) counts[id]!++;
  return {
    ...{ space, roles: {}, counts, task: "binary", labelRange: [0, 1] },
    train: { kind: "resident", rows: train },
    valid,
  };
}

const options = (rest: Partial<FmOptions> = {}): FmOptions => ({
  ...defaultFmOptions("logistic", "adagrad", "ffm"),
  epochs: 3,
  threads: 2,
  ...rest,
});

describe("the result is the same bytes at 1, 2, 3 and 7 threads", () => {
  test.each([
    ["one-hot rows", false, {}],
    ["one-hot rows, normalized, dim 6", false, { dim: 6, normalizeRows: true }],
    ["several values a cell, L2 by field", true, { l2Field: { field1: 0.1 } }],
  ] as const)("%s", async (_, several, rest) => {
    const [train, valid] = [planted(9000, 1, several), planted(5000, 2, several)];
    const results = [];
    for (const threads of [1, 2, 3, 7]) {
      const model = await learnFfm(inputOf(train, valid), options({ ...rest, threads }), () => undefined);
      const hash = createHash("sha256");
      hash.update(new Uint8Array((model.table(space) as EmbeddingTable).vectors.buffer));
      hash.update(new Uint8Array((await model.score(valid, { threads })).buffer));
      results.push(
        `${hash.digest("hex")} ${model.epochs.map((e) => `${e.trainLoss} ${e.validLoss}`).join()}`,
      );
    }
    expect(new Set(results).size).toBe(1);
  });
});

test("learns what two features mean to each other: log loss well below that of the labels' share", async () => {
  const [train, test] = [planted(60_000, 3, false), planted(5000, 4, false)];
  const model = await learnFfm(inputOf(train), options({ epochs: 15, learningRate: 0.2 }), () => undefined);
  const scores = await model.score(test, { threads: 2 });
  const losses = scores.map(
    (s, r) => Math.log1p(Math.exp(-Math.abs(s))) + Math.max(s, 0) - test.labels[r]! * s,
  );
  expect(losses.reduce((a, b) => a + b, 0) / test.numRows).toBeLessThan(0.55);
});

test("--normalize-rows changes the model, and is refused with another one", async () => {
  const train = planted(3000, 5, false);
  const plain = await learnFfm(inputOf(train), options(), () => undefined);
  const normalized = await learnFfm(inputOf(train), options({ normalizeRows: true }), () => undefined);
  expect(normalized.epochs[2]!.trainLoss).not.toBe(plain.epochs[2]!.trainLoss);
});

describe("rows in the order of their fields", () => {
  const fieldOf = Uint32Array.of(0, 0, 1, 1, 2);
  const labels = Float32Array.of(0, 1);

  test("columns of one-hot rows are permuted, and rows that are so already are left alone", () => {
    const rows: FeatureRows = { numRows: 2, width: 3, ids: Uint32Array.of(4, 0, 2, 4, 1, 3), labels };
    expect(inFieldOrder(rows, fieldOf).ids).toEqual(Uint32Array.of(0, 2, 4, 1, 3, 4));
    const sorted = inFieldOrder(rows, fieldOf);
    expect(inFieldOrder(sorted, fieldOf)).toBe(sorted);
  });

  test("pairs of rows of any width keep their values, and those of one field their order", () => {
    const rows: FeatureRows = {
      numRows: 2,
      width: 0,
      indptr: Uint32Array.of(0, 3, 5),
      ids: Uint32Array.of(4, 3, 2, 0, 4),
      values: Float32Array.of(1, 2, 3, 4, 5),
      labels,
    };
    const sorted = inFieldOrder(rows, fieldOf);
    expect([...sorted.ids]).toEqual([3, 2, 4, 0, 4]);
    expect([...sorted.values!]).toEqual([2, 3, 1, 4, 5]);
  });

  test("chunks drawn each epoch are put in order as they come", () => {
    const chunk: FeatureRows = { numRows: 1, width: 2, ids: Uint32Array.of(2, 0), labels };
    const train = trainingInFieldOrder({ kind: "drawn", numRows: 1, draw: () => [chunk] }, fieldOf);
    const drawn = train.kind === "drawn" ? [...train.draw(1)] : [];
    expect(drawn.map(({ ids }) => [...ids])).toEqual([[0, 2]]);
  });
});
