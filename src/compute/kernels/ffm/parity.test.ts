import {
  batchesOf,
  errorsOf,
  kernelMachine,
  lossOf,
  maxDifference,
  repeatedIn,
} from "../../../testing/kernel-machine.js";
import { allocateFfm, dealGroups, type FieldAwareness, groupTiles } from "./binding.js";
import { BATCH_ROWS, type FmMethod, type FmShape, readBias, setRates } from "../fm/binding.js";
import { Arena } from "../shared/memory.js";
import { referenceFfm, referenceFfmBatch, referenceFfmScore, referenceNormalized } from "./ffm.reference.js";
import { rowLoss } from "../../../base/numeric/losses.js";
import { type ReferenceOptions, type ReferenceRow } from "../fm/fm.reference.js";
import { copyState, readOptimizer, restoreState, writeOptimizer } from "../fm/state.js";
import { kernelInverseSqrt } from "../shared/inverse-sqrt.reference.js";
import { draw } from "../../../base/numeric/random.js";

const shape = {
  threads: 1,
  loss: "logistic",
  method: "adagrad",
  hasRates: false,
  l1Weight: 0.3,
  learningRate: 0.03,
  vectorRate: 0.02,
  l2Weight: 1e-3,
  l2Vector: 2e-3,
} as const;
/**
 * Number of features per field. Rows use all of them in odd fields, and only FEW in even fields, so that features of
 * even fields occur often enough in a block of rows to count as repeated.
 */
const SIZE = 40;
const FEW = 6;
const unit = (key: number, i: number) => draw(key, i) / 2 ** 32;

/**
 * Generators of rows of every kind that a log can contain, such as rows with missing cells; features are distinct
 * within a row and sorted by field.
 */
const kinds: Record<string, (r: number, numFields: number) => ReferenceRow> = {
  "one-hot rows": (r, numFields) => rowOf(r, numFields, () => [1]),
  "rows with missing cells and numbers": (r, numFields) =>
    rowOf(r, numFields, (f) => (draw(r, 50 + f) % 4 === 0 ? [] : [f === 0 ? unit(r, 99) * 4 - 2 : 1])),
  "rows of several values a cell": (r, numFields) =>
    rowOf(r, numFields, (f) => {
      const count = f === 1 ? 1 + (r % 3) : 1;
      return Array.from({ length: count }, () => 1 / count);
    }),
};
function rowOf(r: number, numFields: number, cellOf: (f: number) => number[]): ReferenceRow {
  const ids: number[] = [];
  const values: number[] = [];
  for (let f = 0; f < numFields; f++) {
    cellOf(f).forEach((x, i) => {
      ids.push(f * SIZE + ((draw(r, f) + i) % (f % 2 ? SIZE : FEW)));
      values.push(Math.fround(x));
    });
  }
  return { ids, values, label: draw(r, 77) % 2, weight: 1 + (r % 3) / 4 };
}

interface Case {
  numFields: number;
  dim: number;
  loss: FmShape["loss"];
  normalizeRows?: boolean;
  hasRates?: boolean;
  method?: FmMethod;
}

/** L2 and learning rate of each feature, for test cases with individual rates; every seventh feature is frozen. */
const rates = (feature: number) => ({
  l2Weight: 1e-3 * (feature % 3),
  l2Vector: 2e-3 * (feature % 5),
  factor: feature % 7 === 0 ? 0 : 1.5,
});

async function machineOf(
  { numFields, dim, loss, normalizeRows = false, hasRates = false, method = "adagrad" }: Case,
  rows: ReferenceRow[],
  threads = 1,
) {
  const numFeatures = numFields * SIZE;
  const fields: FieldAwareness = {
    numFields,
    fieldOf: Uint32Array.from({ length: numFeatures }, (_, i) => Math.floor(i / SIZE)),
    fieldHashes: Uint32Array.from({ length: numFields }, (_, f) => draw(8, f)),
    multi: Array.from({ length: numFields }, (_, f) => f === 1),
    normalizeRows,
  };
  const machine = await kernelMachine("ffm", numFeatures, 0.1, rows, (arena) =>
    allocateFfm(arena, { ...shape, numFeatures, dim, loss, hasRates, method, threads }, fields),
  );
  if (hasRates) setRates(machine.arena, machine.layout, numFeatures, rates);
  return { ...machine, fields };
}

const cases: [string, Case, number][] = [
  ["5 fields, dim 4", { numFields: 5, dim: 4, loss: "logistic" }, 0],
  ["2 fields, dim 1", { numFields: 2, dim: 1, loss: "logistic" }, 3],
  ["9 fields, dim 6, normalized", { numFields: 9, dim: 6, loss: "logistic", normalizeRows: true }, 41],
  ["10 fields, dim 4, normalized", { numFields: 10, dim: 4, loss: "squared", normalizeRows: true }, 0],
  ["7 fields, dim 4, rates", { numFields: 7, dim: 4, loss: "logistic", hasRates: true }, 5],
  ["17 fields, dim 9, normalized", { numFields: 17, dim: 9, loss: "squared", normalizeRows: true }, 42],
  ["12 fields, dim 8", { numFields: 12, dim: 8, loss: "logistic" }, 0],
];

/**
 * Returns the batches in the order in which the kernel visits the rows. If the test case normalizes rows, their values
 * are normalized.
 */
function visitedBy({ normalizeRows = false }: Case, rows: ReferenceRow[], key: number): ReferenceRow[][] {
  return batchesOf(normalizeRows ? rows.map(referenceNormalized) : rows, key);
}

/** Trains the reference on the batches, starting from the machine's parameters. */
function twinOf(
  machine: Awaited<ReturnType<typeof machineOf>>,
  { dim, hasRates = false, method = "adagrad", ...options }: Case,
  batches: ReferenceRow[][],
  rest: Partial<ReferenceOptions>,
) {
  const twin = referenceFfm(dim, machine.fields.fieldOf, 0.25, machine.parameters().vectors, method);
  const isRepeated = repeatedIn(batches.flat());
  const all = { ...shape, ...options, method, isRepeated, ...(hasRates && { rates }), ...rest };
  const sum = batches.reduce((total, batch) => total + referenceFfmBatch(twin, batch, all), 0);
  return { ...twin, sum };
}

describe.each(Object.entries(kinds))("%s", (_, kind) => {
  const numRows = 2 * BATCH_ROWS + 57;

  test.each(cases)(
    "agree with the reference to 1e-5, with an exact root to 5e-3, over three batches: %s",
    async (__, options, key) => {
      const rows = Array.from({ length: numRows }, (___, r) => kind(r, options.numFields));
      const machine = await machineOf(options, rows);
      const batches = visitedBy(options, rows, key);
      const twins = [kernelInverseSqrt, undefined].map((inverseSqrt) =>
        twinOf(machine, options, batches, { inverseSqrt }),
      );
      machine.train(key);
      const lossSum = lossOf(machine);
      const errors = twins.map((twin) => {
        const { parameters, sums } = errorsOf(machine, lossSum, twin);
        return Math.max(parameters, sums);
      });
      expect(errors[0]).toBeLessThan(1e-5);
      expect(errors[1]).toBeLessThan(5e-3);
    },
  );

  test("score as the reference does, to 5e-6, with the sum of their losses", async () => {
    const options = { numFields: 9, dim: 4, loss: "logistic" } as const;
    const rows = Array.from({ length: numRows }, (__, r) => kind(r, options.numFields));
    const machine = await machineOf(options, rows);
    const { arena, layout, kernel, rowsAt, fields } = machine;
    machine.train(0);
    const { w, vectors } = machine.parameters();
    const twin = {
      ...referenceFfm(options.dim, fields.fieldOf, readBias(arena, layout), vectors, "adagrad"),
      w: Float64Array.from(w),
    };
    const expected = rows.map((row) => referenceFfmScore(twin, row));
    const scores = arena.allocate("scores", 3 * BATCH_ROWS * 4);
    const loss = kernel.scoreBlock(layout.plan, layout.threads[0]!, rowsAt, 0, numRows, scores.offset);
    expect(maxDifference(arena.f32(scores).subarray(0, numRows), expected)).toBeLessThan(5e-6);
    const expectedLoss = rows.reduce(
      (total, row, r) => total + row.weight! * rowLoss("logistic", expected[r]!, row.label),
      0,
    );
    expect(Math.abs(loss - expectedLoss) / expectedLoss).toBeLessThan(1e-6);
  });
});

describe.each(["sgd", "ftrl", "adam"] as const)("method %s", (method) => {
  test.each([
    [{ numFields: 5, dim: 4, loss: "logistic" }, "one-hot rows"],
    [{ numFields: 9, dim: 6, loss: "squared", normalizeRows: true }, "one-hot rows"],
    [{ numFields: 9, dim: 4, loss: "logistic", hasRates: true }, "rows of several values a cell"],
    [{ numFields: 4, dim: 9, loss: "logistic" }, "rows with missing cells and numbers"],
  ] satisfies [Case, string][])("agrees with the reference to 5e-5: %p, %s", async (own, kind) => {
    const options = { ...own, method };
    const rows = Array.from({ length: 2 * BATCH_ROWS + 57 }, (_, r) => kinds[kind]!(r, own.numFields));
    const machine = await machineOf(options, rows);
    const first = machine.parameters();
    const twin = twinOf(machine, options, visitedBy(options, rows, 41), { inverseSqrt: kernelInverseSqrt });
    machine.train(41);
    const errors = errorsOf(machine, lossOf(machine), twin);
    expect(errors.parameters).toBeLessThan(5e-5);
    expect(errors.sums).toBeLessThan(1e-5);
    const { w, vectors } = machine.parameters();
    expect(maxDifference(vectors, first.vectors)).toBeGreaterThan(1e-3);
    if (!("hasRates" in own)) return;
    // Expects that every seventh feature, which is frozen, has not changed by a bit.
    const width = machine.layout.vectorWidth;
    for (let id = 0; id < w.length; id += 7) {
      expect(w[id]).toBe(0);
      const rowOf = (all: Float32Array) => [...all.subarray(id * width, (id + 1) * width)];
      expect(rowOf(vectors)).toEqual(rowOf(first.vectors));
    }
  });
});

test("the vector for a feature's own field is zero, unless the field has several values", async () => {
  const options = { numFields: 3, dim: 4, loss: "logistic" } as const;
  const { parameters } = await machineOf(options, [rowOf(0, 3, () => [1])]);
  const { vectors } = parameters();
  const isZero = (feature: number, field: number) =>
    vectors.subarray((feature * 3 + field) * 4, (feature * 3 + field + 1) * 4).every((x) => x === 0);
  expect([isZero(0, 0), isZero(0, 1), isZero(SIZE, 1), isZero(2 * SIZE, 2)]).toEqual([
    true,
    false,
    false,
    true,
  ]);
});

describe("tiles", () => {
  test.each([1, 2, 3, 7, 8, 16, 26, 101])("hold every pair of %i fields once", (numFields) => {
    const seen = new Set<string>();
    let pairs = 0;
    for (const { blockA, blockB, fromA, toA, fromB, toB, numPairs } of groupTiles(numFields).flat()) {
      pairs += numPairs;
      for (let a = fromA; a < toA; a++) {
        for (let b = blockA === blockB ? a + 1 : fromB; b < toB; b++) seen.add(`${a} ${b}`);
      }
    }
    expect([seen.size, pairs]).toEqual([(numFields * (numFields - 1)) / 2, seen.size]);
  });

  test("are dealt evenly: of 16 fields' 120 pairs, the thread that has the weights has as many as the other", () => {
    const groups = groupTiles(16);
    const shares = dealGroups(groups, 2, 16).map((own) => own.flatMap((g) => groups[g]!));
    expect(shares.map((tiles) => tiles.reduce((sum, { numPairs }) => sum + numPairs, 0))).toEqual([60, 60]);
  });
});

describe("the accumulators of blocks of fields", () => {
  // nine fields are in blocks of 4, 4 and 1; vectors have two quads, the second with two dimensions
  const options = { numFields: 9, dim: 6, loss: "logistic" } as const;
  const rows = Array.from({ length: 300 }, (_, r) => rowOf(r, 9, () => [1]));
  const J = 18;

  test("of an earlier version, one for each dimension, are replaced by their means over known fields", async () => {
    const { arena, layout } = await machineOf(options, rows);
    const { w } = readOptimizer(arena, layout);
    // in the earlier version, each dimension had its own accumulator. Here, field f's are f + 1 for the first four
    // dimensions and f + 3 for the next two; those of the padding are 99, which must not enter the mean
    const earlier = Array.from({ length: w.length }, () =>
      Array.from({ length: J * 4 }, (_, i) => {
        const [field, d] = [Math.floor(i / 8), i % 8];
        return d >= 6 ? 99 : d < 4 ? field + 1 : field + 3;
      }),
    );
    const known = new Uint8Array(w.length).fill(1);
    known[3] = 0;
    const knownFields = Uint8Array.of(1, 0, 1, 0, 0, 0, 0, 0, 1);
    writeOptimizer(
      arena,
      layout,
      { vectors: Float32Array.from(earlier.flat()), w, w0: 7 },
      known,
      knownFields,
    );
    const means = [...Array<number>(8).fill((2 + 4) / 2), ...Array<number>(8).fill(1), 10, 10];
    const expected = Array.from(known, (isKnown) => (isKnown ? means : Array<number>(J).fill(1))).flat();
    expect(readOptimizer(arena, layout)).toEqual({ vectors: Float32Array.from(expected), w, w0: 7 });
  });

  test("are read and written wherever the tables of two threads have them", async () => {
    const { arena, layout, train } = await machineOf(options, rows);
    train(5);
    const state = copyState(arena, layout);
    const other = await machineOf(options, rows, 2);
    restoreState(other.arena, other.layout, state);
    expect(copyState(other.arena, other.layout)).toEqual(state);
    expect(readOptimizer(other.arena, other.layout)).toEqual(readOptimizer(arena, layout));
    // Expects that the state of an earlier version, which had one accumulator for each dimension of a vector, is
    // refused.
    const factors = new Float32Array((state.factors.length / 5) * 8);
    expect(() => restoreState(other.arena, other.layout, { ...state, factors })).toThrow(/another version/);
  });
});

test("10,000 fields are a UsageError that says how many GiB are needed and what shrinks it", () => {
  const numFeatures = 20_000;
  const fields: FieldAwareness = {
    numFields: 10_000,
    fieldOf: new Uint32Array(numFeatures),
    fieldHashes: new Uint32Array(10_000),
    multi: Array.from({ length: 10_000 }, () => false),
    normalizeRows: false,
  };
  expect(() => allocateFfm(new Arena(), { ...shape, numFeatures, dim: 4 }, fields)).toThrow(
    /20000 features, 10000 fields.* needs 30\.0 GiB.*--fields.*--dim.*--min-count.*--model with one vector per feature/,
  );
});
