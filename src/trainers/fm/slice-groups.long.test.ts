import { createHash } from "node:crypto";
import { UsageError } from "../../base/errors.js";
import { scoreRows, type FmModel } from "../shared/factor-model/model.js";
import type { FactorStart } from "../shared/factor-model/warm-start.js";
import { bytesOfFeature, memoryBytes, numSliceGroups } from "../../compute/kernels/fm/slice-groups.js";
import type { Checkpoint } from "../../training/epochs/epoch-loop.js";
import type { FmOptions } from "./options.js";
import { defaultFmOptions } from "../../testing/fm-options.js";
import { inputOf, numFeatures, plantedRows } from "./planted.test.rows.js";
import { trainFm, type FmInput } from "./train.js";

const limits = { ...memoryBytes };
/** Limits a WebAssembly memory to a number of bytes per feature; with `undefined`, one memory holds everything. */
function limitMemory(perFeature: number | undefined): void {
  Object.assign(
    memoryBytes,
    perFeature === undefined ? limits : { most: perFeature * numFeatures, buffers: 0 },
  );
}
afterEach(() => limitMemory(undefined));

const options = (loss: FmOptions["loss"], rest: Partial<FmOptions>): FmOptions => ({
  ...defaultFmOptions(loss),
  epochs: 4,
  patience: 2,
  ...rest,
});

/** Returns digests of everything that a training returns, and of the scores of rows. */
async function resultOf(input: FmInput, given: FmOptions, scored: FmInput["valid"]): Promise<string> {
  const model = await trainFm(input, given);
  const scores = await scoreRows(model, scored!, given);
  return textOfModel(model) + digest(scores);
}
function textOfModel({ w0, w, vectors, epochs, bestEpoch, optimizer }: FmModel): string {
  const state = optimizer && [optimizer.vectors, optimizer.w, Float32Array.of(optimizer.w0)].map(digest);
  const losses = epochs.map((e) => `${e.trainLoss} ${e.validLoss} ${e.vectorNorm}`);
  return [digest(vectors), digest(w), w0, bestEpoch, ...losses, ...(state ?? [])].join(" ");
}
const digest = (array: Float32Array) =>
  createHash("sha256")
    .update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
    .digest("hex")
    .slice(0, 12);

/** Cases in which one WebAssembly memory cannot hold all vectors; the last number is its limit in bytes per feature. */
const divided = [
  ["adagrad, one slice in each memory, dim 16", { dim: 16 }, "logistic", false, 60],
  ["adagrad, slices of 4 dimensions, dim 7", { dim: 7 }, "squared", true, 30],
  ["adagrad, two slices in each of two memories, dim 30", { dim: 30 }, "logistic", true, 85],
  ["ftrl, dim 20", { dim: 20, method: "ftrl", l1Weight: 1e-4 }, "logistic", false, 60],
  ["adam, dim 24", { dim: 24, method: "adam", learningRate: 0.01 }, "squared", true, 150],
  ["sgd, dim 16", { dim: 16, method: "sgd", learningRate: 0.1 }, "logistic", true, 40],
] as const;

test.each(divided)(
  "%s: the bytes are those of one memory at 1, 2 and 3 threads",
  async (_, rest, loss, general, most) => {
    const [rows, valid] = [9000, 3000].map((n, i) => plantedRows(n, loss, 3 + i, general));
    const ratesOf = (feature: number) => ({ l2Weight: 1e-4 * (feature % 3), l2Vector: 1e-4, factor: 1 });
    for (const input of [
      { ...inputOf(rows!, valid), controls: { keepsState: true } },
      ...(rest.dim === 16 ? [{ ...inputOf(rows!, valid), ratesOf }] : []),
    ]) {
      limitMemory(undefined);
      const given = options(loss, { ...rest, threads: 2 });
      const expected = await resultOf(input, given, valid);
      limitMemory(most + ("ratesOf" in input ? 16 : 0));
      const method = given.method as "adagrad";
      const size = { numFeatures, dim: given.dim, method, hasRates: "ratesOf" in input, threads: 1 };
      expect(numSliceGroups(size)).toBeGreaterThan(1);
      for (const threads of [1, 2, 3])
        expect(await resultOf(input, { ...given, threads }, valid)).toBe(expected);
    }
  },
);

test("a checkpoint of several memories continues in one, and the reverse, with the same bytes", async () => {
  const [rows, valid] = [6000, 2000].map((n, i) => plantedRows(n, "logistic", 7 + i, true));
  const given = options("logistic", { dim: 20, threads: 2, epochs: 4 });
  const trained = async (controls: FmInput["controls"]) =>
    textOfModel(await trainFm({ ...inputOf(rows!, valid), controls }, given));
  const expected = (await trained({})).split(" ").slice(0, 4);
  for (const [first, then] of [
    [60, undefined],
    [undefined, 60],
  ]) {
    limitMemory(first);
    let resume: Checkpoint | undefined;
    const save = async (checkpoint: Checkpoint) => {
      const copies = Object.entries(checkpoint.arrays).map(([name, array]) => [name, array.slice()] as const);
      resume = { ...checkpoint, arrays: Object.fromEntries(copies) };
      await Promise.resolve();
    };
    await trained({ checkpoint: { every: 2, save } });
    limitMemory(then);
    expect((await trained({ resume: resume! })).split(" ").slice(0, 4)).toEqual(expected);
  }
});

test.each([false, true])(
  "a warm start has the same bytes in several memories, frozen %s",
  async (freezes) => {
    const rows = plantedRows(6000, "logistic", 9);
    const given = options("logistic", { dim: 16, threads: 2, epochs: 2 });
    const before = await trainFm({ ...inputOf(rows), controls: { keepsState: true } }, given);
    const known = Uint8Array.from({ length: numFeatures }, (_, i) => (i % 4 === 0 ? 0 : 1));
    const start: FactorStart = { ...before, known, freezes };
    const again = plantedRows(6000, "logistic", 10);
    const results = [];
    for (const most of [undefined, 80]) {
      limitMemory(most);
      results.push(await resultOf({ ...inputOf(again), start }, given, again));
    }
    expect(results[1]).toBe(results[0]);
  },
);

describe("the number of memories", () => {
  const size = { numFeatures: 60e6, dim: 16, method: "adagrad", hasRates: false, threads: 2 } as const;

  test("is 0 if one memory holds the machine, and grows with the size and the threads", () => {
    expect(numSliceGroups({ ...size, numFeatures: 20e6 })).toBe(0);
    expect(numSliceGroups(size)).toBe(2);
    expect(numSliceGroups({ ...size, dim: 64 })).toBe(8);
    expect(numSliceGroups({ ...size, numFeatures: 25e6, dim: 64 })).toBe(2);
    expect(numSliceGroups({ ...size, numFeatures: 25e6, dim: 64, threads: 6 })).toBe(5);
    expect(bytesOfFeature(16, "adagrad", false, 2)).toBe(2 * 36 + 8 + 68 + 12 + 8);
  });

  test.each([
    ["110 million features, as a slice exceeds 4 GiB", { numFeatures: 110e6 }],
    ["vectors above 16 GiB", { numFeatures: 100e6, dim: 64 }],
    ["a linear model whose weights exceed 4 GiB", { numFeatures: 300e6, dim: 0 }],
  ])("%s end with the limits and the options that shrink the model", (_, rest) => {
    expect(() => numSliceGroups({ ...size, ...rest })).toThrow(UsageError);
    expect(() => numSliceGroups({ ...size, ...rest })).toThrow(/4 GiB for . dimensions.*--dim.*--min-count/);
  });
});
