import { between, integerBelow, mulberry32 } from "../../../testing/random.js";
import { LEFT_OUT, type BlockRows, type RidgeProblem } from "../../kernels/ridge/binding.js";
import { referencePredictions, referenceRidge } from "../../kernels/ridge/ridge.reference.js";
import { withMachine } from "../../threads/with-machine.js";
import { chosenPenalty, predictRows, RidgeMachine } from "./ridge.js";

const BLOCKS = [0, 4, 9, 10];
const [P, WIDTH] = [10, 3];
/** The number of targets is greater than a panel of eight. */
const MANY = 11;

/** Creates rows with a category, a multi-valued cell of up to three values, and a number; any may be missing. */
function planted(numRows: number, seed: number, width = WIDTH): RidgeProblem {
  const random = mulberry32(seed);
  const pairs = Array.from({ length: numRows }, () => {
    const row: [number, number][] = [];
    if (random() < 0.9) row.push([integerBelow(4, random), 1]);
    if (random() < 0.8) {
      const values = new Set(
        Array.from({ length: 1 + integerBelow(3, random) }, () => 4 + integerBelow(5, random)),
      );
      for (const value of [...values].sort((a, b) => a - b)) row.push([value, 1 / Math.sqrt(values.size)]);
    }
    if (random() < 0.9) row.push([9, between(-2, 2, random)]);
    return row;
  });
  const indptr = Uint32Array.of(0, ...pairs.map(() => 0));
  pairs.forEach((row, i) => (indptr[i + 1] = indptr[i]! + row.length));
  const rows: BlockRows = {
    numRows,
    blocks: BLOCKS,
    indptr,
    columns: Uint32Array.from(pairs.flat(), ([column]) => column),
    values: Float64Array.from(pairs.flat(), ([, value]) => value),
  };
  const truth = Float64Array.from({ length: P * width }, () => between(-1, 1, random));
  const targets = new Float64Array(numRows * width);
  pairs.forEach((row, i) => {
    for (let t = 0; t < width; t++)
      targets[i * width + t] =
        2 + between(-0.1, 0.1, random) + row.reduce((sum, [j, x]) => sum + x * truth[j * width + t]!, 0);
  });
  return { rows, weights: Float64Array.from({ length: numRows }, () => random()), width, targets };
}

const largest = (a: Float64Array, b: Float64Array) => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

/** Assigns row i to fold i % numFolds. */
const foldsOf = (numRows: number, numFolds = 5) => ({
  parts: Uint8Array.from({ length: numRows }, (_, i) => i % numFolds),
  numFolds,
});

async function fit(problem: RidgeProblem, penalties: number[], parts?: Uint8Array, threads = 1) {
  const folds = parts ? { parts, numFolds: 5 } : foldsOf(problem.rows.numRows);
  const machine = await RidgeMachine.start(problem, folds, threads);
  return withMachine(machine, undefined, async () => {
    const maps = [];
    for (const penalty of penalties) maps.push(await machine.fit(penalty));
    return maps;
  });
}

async function validate(problem: RidgeProblem, penalties: number[], threads = 1) {
  const machine = await RidgeMachine.start(problem, foldsOf(problem.rows.numRows), threads);
  return withMachine(machine, undefined, () => machine.crossValidate(penalties));
}

describe.each([0.01, 1, 100])("a map of penalty %d", (penalty) => {
  test.each([1, 2])("agrees with the normal equations to 1e-7, seed %i", async (seed) => {
    const problem = planted(60, seed, MANY);
    const parts = foldsOf(60).parts.map((part) => (part === seed ? LEFT_OUT : part));
    const expected = referenceRidge(problem, (i) => i % 5 !== seed, penalty);
    const [map] = await fit(problem, [penalty], parts);
    expect(largest(map!.coefficients, expected.coefficients)).toBeLessThan(1e-7);
    expect(largest(map!.mean, expected.mean)).toBeLessThan(1e-12);
    // Rows on which the regression was not fitted are centered with the means of those on which it was.
    const predictions = referencePredictions(expected, problem.rows);
    expect(largest(predictRows(map!, problem.rows), predictions)).toBeLessThan(1e-7);
  });

  test("is the same from another penalty's map to 1e-7", async () => {
    const problem = planted(60, 3, MANY);
    const [cold] = await fit(problem, [penalty]);
    const [, warm] = await fit(problem, [10, penalty]);
    expect(largest(cold!.coefficients, warm!.coefficients)).toBeLessThan(1e-7);
  });
});

test("an infinite penalty is the weighted mean, also after another penalty", async () => {
  const problem = planted(20, 1);
  const [, map] = await fit(problem, [1, Infinity]);
  expect(Math.max(...map!.coefficients.map(Math.abs))).toBe(0);
  expect(largest(predictRows(map!, problem.rows).subarray(0, WIDTH), map!.mean)).toBe(0);
});

test("results have the same bytes at any number of threads", async () => {
  const problem = planted(80, 5, MANY);
  const [one, three] = await Promise.all([1, 3].map((threads) => validate(problem, [10, 1], threads)));
  expect(three).toEqual(one);
  expect(await fit(problem, [1], undefined, 3)).toEqual(await fit(problem, [1]));
});

describe("the penalty", () => {
  const penalties = [Infinity, 1000, 100, 10, 1, 0.1];
  const r2Of = async (problem: RidgeProblem) => chosenPenalty(await validate(problem, penalties), 0, WIDTH);

  test("of columns that explain the targets is small, and R² near 1", async () => {
    const { penalty, r2 } = await r2Of(planted(400, 4));
    expect(penalty).toBeLessThanOrEqual(10);
    expect(r2).toBeGreaterThan(0.95);
  });

  test.each([1, 2, 3, 4, 5])(
    "of targets dealt to other rows is the mean's, with R² 0, seed %i",
    async (seed) => {
      const problem = planted(400, seed);
      const random = mulberry32(seed + 100);
      for (let i = 399; i > 0; i--) {
        const j = integerBelow(i + 1, random);
        for (let t = 0; t < WIDTH; t++) {
          const [a, b] = [i * WIDTH + t, j * WIDTH + t];
          [problem.targets[a], problem.targets[b]] = [problem.targets[b]!, problem.targets[a]!];
        }
      }
      expect(await r2Of(problem)).toEqual({ penalty: Infinity, r2: 0, best: expect.any(Number) });
    },
  );

  test("is evaluated as refitting without each fold evaluates it, to 1e-3", async () => {
    const problem = planted(50, 6);
    const { errors, totals } = await validate(problem, [1]);
    for (let fold = 0; fold < 5; fold++) {
      const map = referenceRidge(problem, (i) => i % 5 !== fold, 1);
      const predictions = referencePredictions(map, problem.rows);
      let [error, total] = [0, 0];
      for (let i = fold; i < 50; i += 5)
        for (let t = 0; t < WIDTH; t++) {
          const target = problem.targets[i * WIDTH + t]!;
          error += problem.weights[i]! * (target - predictions[i * WIDTH + t]!) ** 2;
          total += problem.weights[i]! * (target - map.mean[t]!) ** 2;
        }
      const sum = (of: Float64Array) => of.reduce((a, b) => a + b, 0);
      expect(Math.abs(sum(errors[0]![fold]!) - error) / error).toBeLessThan(1e-3);
      expect(Math.abs(sum(totals[fold]!) - total) / total).toBeLessThan(1e-9);
    }
  });
});
