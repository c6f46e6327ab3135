import { createHash } from "node:crypto";
import { bindEncoder, sharedEncodingOf, type FeatureRows } from "../../dataset/rows.js";
import { featureCounts, featureHashes, fitFeatures } from "../../dataset/vocabulary/vocabulary.js";
import { DataError, DivergedError, UsageError } from "../../base/errors.js";
import { FmMachine } from "../shared/factor-model/machine.js";
import { type FmModel, scoreRows } from "../shared/factor-model/model.js";
import { encodeKeys, MISSING } from "../../log/keys.js";
import { ascending, sharedCopy } from "../../base/numeric/indices.js";
import { logistic } from "../../base/numeric/exp.js";
import { streamOf, uniformAt } from "../../base/numeric/hash.js";
import { methods } from "./default-rates.js";
import type { FmOptions } from "./options.js";
import { defaultFmOptions } from "../../testing/fm-options.js";
import { fewKeysRows, inputOf, numFeatures, plantedRows } from "./planted.test.rows.js";
import { type FmInput, trainFm } from "./train.js";
import { chunksOf, prepareTraining } from "./training-rows.js";

const options = (loss: FmOptions["loss"], rest: Partial<FmOptions> = {}): FmOptions => ({
  ...defaultFmOptions(loss),
  dim: 8,
  epochs: 3,
  threads: 2,
  ...rest,
});
const hashOf = ({ w0, w, vectors }: FmModel) =>
  createHash("sha256")
    .update(new Uint8Array(Float32Array.of(w0).buffer))
    .update(new Uint8Array(w.buffer))
    .update(new Uint8Array(vectors.buffer))
    .digest("hex")
    .slice(0, 16);
const mean = (xs: Float32Array | Float64Array) => {
  let sum = 0;
  for (const x of xs) sum += x;
  return sum / xs.length;
};
function varianceOf(labels: Float32Array): number {
  const center = mean(labels);
  return mean(labels.map((y) => (y - center) ** 2));
}

describe("the result is the same bytes at 1, 2, 3 and 7 threads", () => {
  test.each([
    ["one-hot rows, dim 16", 16, false, "logistic"],
    ["one-hot rows, dim 30", 30, false, "logistic"],
    ["rows of any width with values, dim 7", 7, true, "squared"],
    ["rows of any width with values, dim 20", 20, true, "logistic"],
  ] as const)("%s", async (_, dim, general, loss) => {
    // The log has more than two blocks, and the last block has an odd number of batches.
    const rows = plantedRows(9000, loss, 3, general);
    const valid = plantedRows(5000, loss, 4, general);
    const results = [];
    for (const threads of [1, 2, 3, 7]) {
      const model = await trainFm(inputOf(rows, valid), options(loss, { dim, threads }));
      const scores = await scoreRows(model, valid, { threads });
      results.push(
        `${hashOf(model)} ${model.epochs.map((e) => `${e.trainLoss} ${e.validLoss}`).join()} ${mean(scores)}`,
      );
    }
    expect(new Set(results).size).toBe(1);
  });
});

test("rows that threads encode as they mark them train as rows that are there already, at 1, 2 and 3 threads", async () => {
  // The log has more rows than the threads encode in one round, and some keys occur in one row only.
  const numRows = 20_000;
  const draws = (column: number, keys: number) =>
    Uint32Array.from({ length: numRows }, (_, r) => Math.floor(uniformAt(streamOf(9, column), r) * keys));
  const columns = [7, 300, 5000].map((numKeys, c) => {
    const keys = Array.from({ length: numKeys }, (_, k) => `${c} ${k}`);
    return {
      codes: sharedCopy(draws(c, numKeys)),
      dictionary: encodeKeys(keys),
      kind: "key" as const,
      name: `${c}`,
    };
  });
  const roles = { fields: columns.map(({ name }) => name), numeric: [], multi: {} };
  const dataset = { numRows, columns, roles, inputs: [] };
  const every = sharedCopy(ascending(numRows));
  const labels = Float32Array.from(every, (row) => (columns[0]!.codes[row]! + columns[1]!.codes[row]!) % 2);
  const space = fitFeatures(dataset, every, 2);
  const input = (rows: FeatureRows): FmInput => ({
    numFeatures: space.numFeatures,
    featureHashes: featureHashes(space),
    counts: featureCounts(space),
    train: { kind: "resident", rows },
  });
  const results = [];
  for (const threads of [1, 2, 3]) {
    const later = bindEncoder(space, dataset).encode(every, labels);
    expect(sharedEncodingOf(later)).toBeDefined();
    results.push(hashOf(await trainFm(input(later), options("logistic", { threads, dim: 16 }))));
    const { numRows, width } = later;
    const there = { numRows, width, labels, ids: Uint32Array.from(later.ids) };
    results.push(hashOf(await trainFm(input(there), options("logistic", { threads, dim: 16 }))));
  }
  expect(new Set(results).size).toBe(1);
  // One cell is missing, so that rows differ in length.
  columns[2]!.codes = sharedCopy(columns[2]!.codes);
  columns[2]!.codes[numRows - 1] = MISSING;
  const ragged = bindEncoder(space, { ...dataset }).encode(every, labels);
  expect(sharedEncodingOf(ragged)).toBeUndefined();
  expect(ragged.indptr?.[numRows]).toBe(3 * numRows - 1);
});

test("a trained model has the bytes that every engine and machine gives", async () => {
  const hashes = [];
  for (const loss of ["logistic", "squared"] as const) {
    const model = await trainFm(inputOf(plantedRows(5000, loss, 3, true)), options(loss, { dim: 12 }));
    hashes.push(hashOf(model));
  }
  expect(hashes).toEqual(["97f1be9d9bded2a9", "3edabc73a52f081a"]);
});

describe("learning", () => {
  test("finds planted probabilities: log loss within 0.02 of the best possible", async () => {
    const [train, valid, test] = [40_000, 4000, 4000].map((n, i) => plantedRows(n, "logistic", 10 + i));
    const model = await trainFm(inputOf(train!, valid!), options("logistic", { epochs: 20, l2Vector: 1e-3 }));
    const scores = await scoreRows(model, test!, { threads: 1 });
    const losses = scores.map(
      (s, r) => Math.log1p(Math.exp(-Math.abs(s))) + Math.max(s, 0) - test!.labels[r]! * s,
    );
    expect(mean(losses)).toBeLessThan(0.47);
    const calibration = mean(Float64Array.from(scores, logistic)) / mean(test!.labels);
    expect(Math.abs(calibration - 1)).toBeLessThan(0.05);
  });

  test("finds planted numbers whatever their unit: a thousand times the label is a thousand times the score", async () => {
    const train = plantedRows(20_000, "squared", 20);
    const test = plantedRows(2000, "squared", 21);
    const thousand = { ...train, labels: train.labels.map((y) => y * 1024) };
    const rest = { epochs: 10, l2Weight: 1e-4, l2Vector: 1e-4 };
    const models = [
      await trainFm(inputOf(train), options("squared", rest)),
      await trainFm(inputOf(thousand), options("squared", rest)),
    ];
    const [scores, large] = await Promise.all(models.map((model) => scoreRows(model, test, { threads: 1 })));
    const variance = varianceOf(test.labels);
    expect(mean(scores!.map((s, r) => (s - test.labels[r]!) ** 2)) / variance).toBeLessThan(0.05);
    expect(Math.max(...large!.map((s, r) => Math.abs(s / 1024 - scores![r]!)))).toBeLessThan(1e-3);
    expect(models[1]!.epochs[9]!.trainLoss / models[0]!.epochs[9]!.trainLoss / 2 ** 20).toBeCloseTo(1, 3);
  });

  test.each(methods.filter((method) => method !== "als" && method !== "mcmc"))(
    "a regression on fields of few keys, which batches repeat a hundred times, converges with the defaults of %s",
    async (method) => {
      const [train, valid] = [fewKeysRows(12_000, 30), fewKeysRows(2000, 31)];
      const all = { ...defaultFmOptions("squared", method), threads: 2, epochs: 5 };
      const { epochs } = await trainFm(inputOf(train, valid), all);
      const variance = varianceOf(valid.labels);
      // The bound is far below 0.49 of the labels' variance, the loss of a model with weights alone. A method that took
      // a batch's step once per occurrence of a feature would diverge by epoch 3.
      expect(epochs.at(-1)!.validLoss! / variance).toBeLessThan(0.2);
      expect(Math.max(...epochs.map(({ trainLoss }) => trainLoss / variance))).toBeLessThan(1.5);
    },
  );

  test("a feature that no training row holds has zero weight and vector", async () => {
    const input = inputOf(plantedRows(2000, "logistic", 5));
    input.counts[3] = 0;
    const train = plantedRows(2000, "logistic", 5);
    for (let i = 0; i < train.ids.length; i++) if (train.ids[i] === 3) train.ids[i] = 4;
    const model = await trainFm({ ...input, train: { kind: "resident", rows: train } }, options("logistic"));
    expect([model.w[3], ...model.vectors.subarray(24, 32)].every((x) => x === 0)).toBe(true);
    expect(model.w[4]).not.toBe(0);
  });
});

describe("early stopping", () => {
  const train = plantedRows(3000, "logistic", 30);
  const valid = plantedRows(1000, "logistic", 31);
  const fast = { learningRate: 0.3, l2Vector: 0, dim: 16 };

  test("stops `patience` epochs after the best and gives back the best epoch's parameters", async () => {
    const stopped = await trainFm(
      inputOf(train, valid),
      options("logistic", { ...fast, epochs: 50, patience: 2 }),
    );
    expect(stopped.epochs).toHaveLength(stopped.bestEpoch + 2);
    const same = await trainFm(inputOf(train), options("logistic", { ...fast, epochs: stopped.bestEpoch }));
    expect(hashOf(same)).toBe(hashOf(stopped));
  });

  test("gives back the best epoch's parameters when epochs end first", async () => {
    const patient = await trainFm(
      inputOf(train, valid),
      options("logistic", { ...fast, epochs: 12, patience: 50 }),
    );
    expect(patient.bestEpoch).toBeLessThan(12);
    const same = await trainFm(inputOf(train), options("logistic", { ...fast, epochs: patient.bestEpoch }));
    expect(hashOf(same)).toBe(hashOf(patient));
  });

  test("does not happen with patience 0: the last epoch's parameters are given", async () => {
    const model = await trainFm(
      inputOf(train, valid),
      options("logistic", { ...fast, epochs: 12, patience: 0 }),
    );
    const same = await trainFm(inputOf(train), options("logistic", { ...fast, epochs: 12 }));
    expect(model.bestEpoch).toBe(12);
    expect(hashOf(model)).toBe(hashOf(same));
  });
});

describe("the order of rows", () => {
  const rows = plantedRows(10_000, "logistic", 40, true);

  test("is file order without shuffle, another with each seed", async () => {
    const hashes = [];
    for (const rest of [{ shuffle: false }, {}, { seed: 2 }]) {
      hashes.push(hashOf(await trainFm(inputOf(rows), options("logistic", rest))));
    }
    expect(new Set(hashes).size).toBe(3);
  });

  test("chunks hold every row once, blocks and the rows within them permuted", () => {
    const chunks = [...chunksOf({ ...rows, labels: rows.labels.map((_, r) => r) }, 5)];
    const order = chunks.flatMap((chunk) => Array.from(chunk.labels));
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from(order, (_, r) => r));
    expect(order.slice(0, 3)).not.toEqual([0, 1, 2]);
  });

  test.each([true, false])(
    "rows too large for the memory give the same bytes in chunks, general %s",
    async (general) => {
      const train = { kind: "resident", rows: plantedRows(140_000, "logistic", 41, general) } as const;
      const results = [];
      for (const residentBytes of [Infinity, 0]) {
        const machine = await FmMachine.start({
          ...options("logistic"),
          method: "adagrad",
          numFeatures,
          hasRates: false,
        });
        const { featureHashes, counts } = inputOf(train.rows);
        await machine.initialize(featureHashes, counts, 1);
        const pass = prepareTraining(machine, train, 1, residentBytes);
        const { loss, numRows } = await pass(1, 99);
        const kept = machine.allocateParameters();
        await machine.export(kept);
        const bytes = new Uint8Array(kept.vectors.slice().buffer);
        results.push([numRows, loss, createHash("sha256").update(bytes).digest("hex")]);
        await machine.terminate();
      }
      expect(results[1]).toEqual(results[0]);
    },
  );

  test("drawn rows are trained on as they come, and drawn anew each epoch", async () => {
    const [a, b] = [plantedRows(5000, "logistic", 42, true), plantedRows(3000, "logistic", 43, true)];
    const epochs: number[] = [];
    const draw = (epoch: number) => {
      epochs.push(epoch);
      return [a, b];
    };
    const drawn: FmInput = { ...inputOf(a), train: { kind: "drawn", numRows: 8000, draw } };
    const hashes = [];
    for (const threads of [1, 2]) {
      epochs.length = 0;
      hashes.push(hashOf(await trainFm(drawn, options("logistic", { threads, dim: 16 }))));
    }
    expect(hashes[1]).toBe(hashes[0]);
    // epoch 1 is read twice, because the first read computes the mean of the labels
    expect(epochs).toEqual([1, 1, 2, 3]);
  });

  test("a failure while rows are drawn is the training's failure", async () => {
    const a = plantedRows(5000, "logistic", 42);
    function* draw(epoch: number) {
      yield a;
      if (epoch === 2) throw new DataError("the log changed while it was read");
    }
    const train = { kind: "drawn", numRows: 5000, draw } as const;
    await expect(trainFm({ ...inputOf(a), train }, options("logistic"))).rejects.toThrow(DataError);
  });
});

describe("what goes wrong", () => {
  const rows = plantedRows(5000, "logistic", 50, true);

  test("values that overflow end in a DivergedError that says epoch, learning rate and what to try", async () => {
    const huge = { ...rows, values: rows.values!.map((x) => x * 1e25) };
    const failing = trainFm(inputOf(huge), options("logistic"));
    await expect(failing).rejects.toThrow(DivergedError);
    await expect(trainFm(inputOf(huge), options("logistic"))).rejects.toThrow(
      /epoch 1 with learning rate 0.05: try/,
    );
  });

  test("no rows are a DataError, a dimension of 0 is a UsageError", async () => {
    const none = plantedRows(0, "logistic", 1);
    await expect(trainFm(inputOf(none), options("logistic"))).rejects.toThrow(DataError);
    await expect(trainFm(inputOf(rows), options("logistic", { dim: 0 }))).rejects.toThrow(UsageError);
  });

  test("parameters beyond 4 GiB are a UsageError that names the flags", async () => {
    const input = { ...inputOf(rows), numFeatures: 2 ** 27 };
    await expect(trainFm(input, options("logistic", { dim: 64 }))).rejects.toThrow(/--dim.*--min-count/);
  });

  test("an abort in the middle of an epoch rejects with its reason", async () => {
    const controller = new AbortController();
    const reason = new Error("interrupted");
    const training = trainFm(
      inputOf(plantedRows(40_000, "logistic", 51)),
      options("logistic", { epochs: 10_000, dim: 64 }),
      () => setImmediate(() => controller.abort(reason)),
      controller.signal,
    );
    await expect(training).rejects.toBe(reason);
  });
});
