import { allocateFfm, type FieldAwareness } from "./ffm.js";
import { dealGroups, groupTiles } from "./ffm-tiles.js";
import {
  BATCH_ROWS,
  type FmKernel,
  type FmShape,
  readBias,
  reservePairs,
  setRates,
  takeLoss,
  writeBias,
  writeStruct,
} from "./fm.js";
import { kernelImports, loadKernel } from "./load.js";
import { Arena } from "./memory.js";
import { referenceFfm, referenceFfmBatch, referenceFfmScore, referenceNormalized } from "./reference/ffm.js";
import { referenceLoss, type ReferenceRow } from "./reference/fm.js";
import { kernelInverseSqrt } from "./reference/inverse-sqrt.js";
import { draw, permutation } from "./reference/random.js";

const shape = {
  threads: 1,
  loss: "logistic",
  method: "adagrad",
  hasRates: false,
  l1Weight: 0,
  learningRate: 0.03,
  l2Weight: 1e-3,
  l2Vector: 2e-3,
} as const;
/** Features a field. */
const SIZE = 6;
const unit = (key: number, i: number) => draw(key, i) / 2 ** 32;

/** Rows of each kind that a log can hold: features are distinct within a row, in the order of their fields. */
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
      ids.push(f * SIZE + ((draw(r, f) + i) % SIZE));
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
}

/** Rates of each feature, where a case has them; one in seven is frozen. */
const rates = (feature: number) => ({
  l2Weight: 1e-3 * (feature % 3),
  l2Vector: 2e-3 * (feature % 5),
  factor: feature % 7 === 0 ? 0 : 1.5,
});

async function machineOf(
  { numFields, dim, loss, normalizeRows = false, hasRates = false }: Case,
  rows: ReferenceRow[],
) {
  const numFeatures = numFields * SIZE;
  const arena = new Arena();
  const fields: FieldAwareness = {
    numFields,
    fieldOf: Uint32Array.from({ length: numFeatures }, (_, i) => Math.floor(i / SIZE)),
    fieldHashes: Uint32Array.from({ length: numFields }, (_, f) => draw(8, f)),
    several: Array.from({ length: numFields }, (_, f) => f === 1),
    normalizeRows,
  };
  const layout = allocateFfm(arena, { ...shape, numFeatures, dim, loss, hasRates }, fields);
  if (hasRates) setRates(arena, layout, numFeatures, rates);
  const module = await loadKernel("ffm");
  const { exports: kernel } = new WebAssembly.Instance<FmKernel>(module, kernelImports(arena.memory));
  const put = (values: readonly number[], type: "u32" | "f32") => {
    const region = arena.allocate("test rows", values.length * 4);
    arena[type](region).set(values);
    return region.offset;
  };
  const isOneHot = rows.every(({ ids, values }) => ids.length === numFields && values.every((x) => x === 1));
  const ends = [0];
  for (const { ids } of rows) ends.push(ends.at(-1)! + ids.length);
  const allIds = rows.flatMap(({ ids }) => ids);
  const allValues = rows.flatMap(({ values }) => values);
  const rowsAt = writeStruct(arena, "test rows", [
    ["u32", rows.length],
    ["u32", numFields],
    ["u32", isOneHot ? 0 : put(ends, "u32")],
    ["u32", put(allIds, "u32")],
    ["u32", isOneHot ? 0 : put(allValues, "f32")],
    [
      "u32",
      put(
        rows.map(({ label }) => label),
        "f32",
      ),
    ],
    [
      "u32",
      put(
        rows.map(({ weight = 1 }) => weight),
        "f32",
      ),
    ],
  ]);
  reservePairs(arena, layout, allIds.length);
  const hashes = put(
    Array.from({ length: 2 * numFeatures }, (_, i) => draw(5, i)),
    "u32",
  );
  const counts = put(
    Array.from({ length: numFeatures }, () => 1),
    "u32",
  );
  for (let j = 0; j <= layout.numSlices; j++) kernel.initialise(layout.plan, j, hashes, counts, 1, 0.1);
  const width = numFields * dim;
  const vectors = arena.allocate("vectors", numFeatures * width * 4);
  const w = arena.allocate("weights", numFeatures * 4);
  const parameters = () => {
    for (let j = 0; j <= layout.numSlices; j++) kernel.exportSlice(layout.plan, j, vectors.offset, w.offset);
    return {
      vectors: arena.f32(vectors).slice(0, numFeatures * width),
      w: arena.f32(w).slice(0, numFeatures),
    };
  };
  return { arena, layout, kernel, rowsAt, fields, parameters };
}

const maxDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a, (value, i) => Math.abs(value - b[i]!)).reduce((x, y) => Math.max(x, y), 0);

const cases: [string, Case, number][] = [
  ["5 fields, dim 4", { numFields: 5, dim: 4, loss: "logistic" }, 0],
  ["2 fields, dim 1", { numFields: 2, dim: 1, loss: "logistic" }, 3],
  ["9 fields, dim 6, normalised", { numFields: 9, dim: 6, loss: "logistic", normalizeRows: true }, 41],
  ["10 fields, dim 4, normalised", { numFields: 10, dim: 4, loss: "squared", normalizeRows: true }, 0],
  ["7 fields, dim 4, rates", { numFields: 7, dim: 4, loss: "logistic", hasRates: true }, 5],
  ["17 fields, dim 9, normalised", { numFields: 17, dim: 9, loss: "squared", normalizeRows: true }, 42],
  ["12 fields, dim 8", { numFields: 12, dim: 8, loss: "logistic" }, 0],
];

describe.each(Object.entries(kinds))("%s", (_, kind) => {
  const numRows = 2 * BATCH_ROWS + 57;

  test.each(cases)(
    "agree with the reference to 1e-5, with an exact root to 5e-3, over three batches: %s",
    async (__, options, key) => {
      const rows = Array.from({ length: numRows }, (___, r) => kind(r, options.numFields));
      const { arena, layout, kernel, rowsAt, fields, parameters } = await machineOf(options, rows);
      writeBias(arena, layout, 0.25);
      const twins = [kernelInverseSqrt, undefined].map((inverseSqrt) => {
        const twin = referenceFfm(options.dim, fields.fieldOf, 0.25, parameters().vectors);
        // the order of visit, as the kernel's permutation has it
        const visited = options.normalizeRows ? rows.map(referenceNormalized) : [...rows];
        if (key) permutation(numRows, key).forEach((place, r) => (visited[place] = rows[r]!));
        const ready = key && options.normalizeRows ? visited.map(referenceNormalized) : visited;
        let sum = 0;
        for (let from = 0; from < numRows; from += BATCH_ROWS) {
          const batch = ready.slice(from, from + BATCH_ROWS);
          sum += referenceFfmBatch(twin, batch, {
            ...shape,
            ...options,
            ...(options.hasRates && { rates }),
            ...(inverseSqrt && { inverseSqrt }),
          });
        }
        return { ...twin, sum };
      });

      expect(kernel.trainBlock(layout.plan, layout.threads[0]!, 0, rowsAt, 0, numRows, key)).toBe(1);
      const got = parameters();
      const sum = takeLoss(arena, layout);
      const errors = twins.map((twin) =>
        Math.max(
          maxDifference(got.w, twin.w),
          maxDifference(got.vectors, twin.v),
          Math.abs(readBias(arena, layout) - twin.w0),
          Math.abs(sum - twin.sum) / twin.sum,
        ),
      );
      expect(errors[0]).toBeLessThan(1e-5);
      expect(errors[1]).toBeLessThan(5e-3);
    },
  );

  test("score as the reference does, to 5e-6, with the sum of their losses", async () => {
    const options = { numFields: 9, dim: 4, loss: "logistic" } as const;
    const rows = Array.from({ length: numRows }, (__, r) => kind(r, options.numFields));
    const { arena, layout, kernel, rowsAt, fields, parameters } = await machineOf(options, rows);
    kernel.trainBlock(layout.plan, layout.threads[0]!, 0, rowsAt, 0, numRows, 0);
    const { w, vectors } = parameters();
    const twin = {
      ...referenceFfm(options.dim, fields.fieldOf, readBias(arena, layout), vectors),
      w: Float64Array.from(w),
    };
    const expected = rows.map((row) => referenceFfmScore(twin, row));
    const scores = arena.allocate("scores", 3 * BATCH_ROWS * 4);
    const loss = kernel.scoreBlock(layout.plan, layout.threads[0]!, rowsAt, 0, numRows, scores.offset);
    expect(maxDifference(arena.f32(scores).subarray(0, numRows), expected)).toBeLessThan(5e-6);
    const expectedLoss = rows.reduce(
      (total, row, r) => total + row.weight! * referenceLoss("logistic", expected[r]!, row.label),
      0,
    );
    expect(Math.abs(loss - expectedLoss) / expectedLoss).toBeLessThan(1e-6);
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

  test("are dealt evenly: of 16 fields' 120 pairs, two threads have 60 each", () => {
    const groups = groupTiles(16);
    const shares = dealGroups(groups, 2).map((own) => own.flatMap((g) => groups[g]!));
    expect(shares.map((tiles) => tiles.reduce((sum, { numPairs }) => sum + numPairs, 0))).toEqual([60, 60]);
  });
});

test("10,000 fields are a UsageError that says how many GiB are needed and what shrinks it", () => {
  const numFeatures = 20_000;
  const fields: FieldAwareness = {
    numFields: 10_000,
    fieldOf: new Uint32Array(numFeatures),
    fieldHashes: new Uint32Array(10_000),
    several: Array.from({ length: 10_000 }, () => false),
    normalizeRows: false,
  };
  expect(() => allocateFfm(new Arena(), { ...shape, numFeatures, dim: 4 }, fields)).toThrow(
    /20000 features, 10000 fields.* needs 8\.9 GiB.*--fields.*--dim.*--min-count.*--model fm/,
  );
});
