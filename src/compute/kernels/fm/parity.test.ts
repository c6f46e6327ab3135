import {
  batchesOf,
  errorsOf,
  kernelMachine,
  type KernelMachine,
  lossOf,
  maxDifference,
  repeatedIn,
} from "../../../testing/kernel-machine.js";
import { allocateFm, BATCH_ROWS, type FmShape, readBias, setRates, writeBias } from "./binding.js";
import { rowLoss } from "../../../base/numeric/losses.js";
import {
  referenceBatch,
  referenceFm,
  type ReferenceOptions,
  type ReferenceRow,
  referenceScore,
} from "./fm.reference.js";
import { copyState, readOptimizer, restoreState, writeOptimizer } from "./state.js";
import { kernelInverseSqrt } from "../shared/inverse-sqrt.reference.js";
import { draw } from "../../../base/numeric/random.js";

/**
 * Number of distinct keys at each position of a row: MANY at even positions, so that no key repeats often in a block of
 * rows; FEW at odd positions, so that every key does.
 */
const [MANY, FEW] = [60, 6];
const numFeatures = 10 * MANY;
const shape: FmShape = {
  numFeatures,
  dim: 5,
  threads: 1,
  loss: "logistic",
  method: "adagrad",
  learningRate: 0.05,
  vectorRate: 0.04,
  l1Weight: 0,
  l2Weight: 1e-3,
  l2Vector: 2e-3,
  hasRates: false,
};
const unit = (key: number, i: number) => draw(key, i) / 2 ** 32;

/** Generators of rows of every kind that a log can contain; features are distinct within a row. */
const kinds = {
  "one-hot rows": (r: number) => pairs(r, 6, () => 1),
  "one-hot rows of a width that is no multiple of 4": (r: number) => pairs(r, 7, () => 1),
  "rows of one width with numbers": (r: number) => pairs(r, 5, (i) => (i === 4 ? unit(r, 99) * 4 - 2 : 1)),
  "rows of any width, several values a cell": (r: number) =>
    pairs(r, 1 + (r % 9), (i, n) => (i > 1 ? 1 / n : 1)),
};
function pairs(r: number, width: number, valueOf: (i: number, width: number) => number): ReferenceRow {
  const ids = Array.from({ length: width }, (_, i) => i * MANY + (draw(r, i) % (i % 2 ? FEW : MANY)));
  return { ids, values: ids.map((_, i) => Math.fround(valueOf(i, width))), label: draw(r, 77) % 2 };
}

const machineOf = (options: FmShape, rows: ReferenceRow[]) =>
  kernelMachine("fm", numFeatures, 0.05, rows, (arena) => allocateFm(arena, options));

/** Trains the reference implementation on the batches, starting from the machine's parameters. */
function twinOf(
  machine: KernelMachine,
  options: FmShape,
  batches: ReferenceRow[][],
  rest: Partial<ReferenceOptions>,
) {
  const twin = referenceFm(options.dim, 0.25, machine.parameters().vectors, options.method);
  const isRepeated = repeatedIn(batches.flat());
  const all = { ...options, isRepeated, ...rest };
  const sum = batches.reduce((total, batch) => total + referenceBatch(twin, batch, all), 0);
  return { ...twin, sum };
}

describe.each(Object.entries(kinds))("%s", (_, rowOf) => {
  const numRows = 3 * BATCH_ROWS + 57;
  const rows = Array.from({ length: numRows }, (_, r) => rowOf(r));

  test.each([
    [5, "logistic", 0],
    [16, "logistic", 0],
    [17, "squared", 0],
    [8, "squared", 41],
    [24, "logistic", 42],
  ] as const)(
    "agree with the reference to 5e-6, with an exact root to 2e-3, over four batches: dim %i, %s loss, key %i",
    async (dim, loss, key) => {
      const options = { ...shape, dim, loss };
      const machine = await machineOf(options, rows);
      const twins = [kernelInverseSqrt, undefined].map((inverseSqrt) =>
        twinOf(machine, options, batchesOf(rows, key), { inverseSqrt }),
      );
      machine.train(key);
      const lossSum = lossOf(machine);
      const errors = twins.map((twin) => {
        const { parameters, sums } = errorsOf(machine, lossSum, twin);
        return Math.max(parameters, sums);
      });
      expect(errors[0]).toBeLessThan(5e-6);
      expect(errors[1]).toBeLessThan(2e-3);
    },
  );

  test("score as the reference does, to 2e-6, with the sum of their losses", async () => {
    const machine = await machineOf(shape, rows);
    const { arena, layout, kernel, rowsAt } = machine;
    machine.train(0);
    const { w, vectors } = machine.parameters();
    const twin = referenceFm(shape.dim, readBias(arena, layout), vectors, "adagrad");
    twin.w.set(w);
    const expected = rows.map((row) => referenceScore(twin, row));

    const scores = arena.allocate("scores", 4 * BATCH_ROWS * 4);
    const loss = kernel.scoreBlock(layout.plan, layout.threads[0]!, rowsAt, 0, numRows, scores.offset);
    expect(maxDifference(arena.f32(scores).subarray(0, numRows), expected)).toBeLessThan(2e-6);
    const expectedLoss = rows.reduce((sum, row, r) => sum + rowLoss("logistic", expected[r]!, row.label), 0);
    expect(Math.abs(loss - expectedLoss) / expectedLoss).toBeLessThan(1e-6);
  });
});

describe.each(["adagrad", "sgd", "ftrl", "adam"] as const)("method %s", (method) => {
  const numRows = 3 * BATCH_ROWS + 57;
  const weights = (r: number) => [0.5, 1, 3][r % 3]!;
  const ratesOf = (id: number) => ({
    l2Weight: 1e-3 * (id % 3),
    l2Vector: 0.01,
    factor: [1, 0.5, 0][id % 3]!,
  });

  test.each([
    [5, "one-hot rows", false],
    [16, "rows of any width, several values a cell", true],
    [24, "one-hot rows of a width that is no multiple of 4", true],
  ] as const)(
    "agrees with the reference to 5e-5 on weighted rows: dim %i, %s, own rates %s",
    async (dim, kind, hasRates) => {
      const rows = Array.from({ length: numRows }, (_, r) => ({ ...kinds[kind](r), weight: weights(r) }));
      const options = { ...shape, dim, method, l1Weight: 0.3, hasRates };
      const machine = await machineOf(options, rows);
      if (hasRates) setRates(machine.arena, machine.layout, numFeatures, ratesOf);
      const first = machine.parameters();
      const twin = twinOf(machine, options, batchesOf(rows, 41), {
        inverseSqrt: kernelInverseSqrt,
        ...(hasRates && { rates: ratesOf }),
      });
      machine.train(41);
      const got = machine.parameters();
      const errors = errorsOf(machine, lossOf(machine), twin);
      expect(errors.parameters).toBeLessThan(5e-5);
      expect(errors.sums).toBeLessThan(1e-5);
      expect(maxDifference(got.vectors, first.vectors)).toBeGreaterThan(1e-3);
      if (hasRates) {
        const frozen = Array.from({ length: numFeatures / 3 }, (_, i) => 3 * i + 2);
        expect(frozen.every((id) => got.w[id] === 0)).toBe(true);
        const rowOf = (vectors: Float32Array, id: number) => [...vectors.subarray(id * dim, (id + 1) * dim)];
        expect(frozen.map((id) => rowOf(got.vectors, id))).toEqual(
          frozen.map((id) => rowOf(first.vectors, id)),
        );
      }
    },
  );
});

test.each(["adagrad", "sgd", "ftrl", "adam"] as const)(
  "rates alike for all features change nothing: %s",
  async (method) => {
    const rows = Array.from({ length: 700 }, (_, r) => kinds["rows of any width, several values a cell"](r));
    const results = [];
    for (const hasRates of [false, true]) {
      const machine = await machineOf({ ...shape, method, hasRates }, rows);
      if (hasRates) setRates(machine.arena, machine.layout, numFeatures, () => ({ ...shape, factor: 1 }));
      machine.train(5);
      results.push(machine.parameters());
    }
    expect(results[1]).toEqual(results[0]);
  },
);

describe("the accumulators of slices", () => {
  test("of an earlier version, one for each dimension, are replaced by their means", async () => {
    const dim = 12; // two slices: one of 8 dimensions, and one of 4 that is padded to 8
    const { arena, layout } = await machineOf({ ...shape, dim }, [pairs(0, 6, () => 1)]);
    const { w } = readOptimizer(arena, layout);
    const each = Float32Array.from({ length: numFeatures * 16 }, (_, i) =>
      i % 16 < dim ? 1 + (i % 16) : 99,
    );
    const known = new Uint8Array(numFeatures).fill(1);
    known[3] = 0;
    writeOptimizer(arena, layout, { vectors: each, w, w0: 7 }, known, Uint8Array.of(1));
    const means = Array.from(known, (isKnown) => (isKnown ? [4.5, 10.5] : [1, 1])).flat();
    expect(readOptimizer(arena, layout)).toEqual({ vectors: Float32Array.from(means), w, w0: 7 });
  });

  test.each([1, 2, 3])(
    "are read and written wherever the tables of %i threads have them",
    async (threads) => {
      const rows = Array.from({ length: 300 }, (_, r) => pairs(r, 6, () => 1));
      const { arena, layout, train } = await machineOf({ ...shape, dim: 40 }, rows);
      train(5);
      const state = copyState(arena, layout);
      const other = await machineOf({ ...shape, dim: 40, threads }, rows);
      restoreState(other.arena, other.layout, state);
      expect(copyState(other.arena, other.layout)).toEqual(state);
      expect(readOptimizer(other.arena, other.layout)).toEqual(readOptimizer(arena, layout));
      // Expects that the state of an earlier version, which had one accumulator for each dimension of a vector, is
      // refused.
      const factors = new Float32Array((state.factors.length / 9) * 16);
      expect(() => restoreState(other.arena, other.layout, { ...state, factors })).toThrow(/another version/);
    },
  );
});

describe("the kernel's logistic loss", () => {
  // a machine with one feature of weight s has the score s and, for one row, the loss at s
  test.each([0, 1])(
    "is within 2e-7 of the reference, relative to 1 + |score|, for label %i",
    async (label) => {
      const weights = Array.from({ length: 60 }, (_, i) => Math.fround((i - 30) * 2.9));
      const rows = weights.map((_, i) => ({ ids: [i], values: [1], label }));
      const { arena, layout, kernel, rowsAt } = await machineOf(shape, rows);
      writeBias(arena, layout, 0);
      const w = arena.allocate("weights", numFeatures * 4);
      const vectors = arena.allocate("vectors", numFeatures * shape.dim * 4);
      arena.f32(w).set(weights);
      for (let j = 0; j <= layout.numSlices; j++)
        kernel.importSlice(layout.plan, j, vectors.offset, w.offset);
      const scores = arena.allocate("scores", BATCH_ROWS * 4);
      const errors = weights.map((s, i) => {
        const loss = kernel.scoreBlock(layout.plan, layout.threads[0]!, rowsAt, i, 1, scores.offset);
        return Math.abs(loss - rowLoss("logistic", s, label)) / (1 + Math.abs(s));
      });
      expect(Math.max(...errors)).toBeLessThan(2e-7);
    },
  );
});

test("a feature that no training row holds is zero", async () => {
  const rows = [pairs(0, 6, () => 1)];
  const { arena, layout, kernel, parameters } = await machineOf(shape, rows);
  const counts = arena.allocate("counts", numFeatures * 4);
  arena.u32(counts).fill(1)[7] = 0;
  for (let j = 0; j <= layout.numSlices; j++) {
    kernel.initialize(layout.plan, j, counts.offset, counts.offset, 1, 0.05);
  }
  const { vectors } = parameters();
  const isZero = Array.from({ length: numFeatures }, (_, i) =>
    vectors.subarray(i * shape.dim, (i + 1) * shape.dim).every((v) => v === 0),
  );
  expect(isZero.indexOf(true)).toBe(7);
  expect(isZero.lastIndexOf(true)).toBe(7);
  expect(Math.max(...vectors)).toBeLessThan(0.05);
});
