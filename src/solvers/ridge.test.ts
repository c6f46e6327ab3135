import { between, integerBelow, mulberry32 } from "../testing/random.js";
import { solveCholesky } from "./cholesky.js";
import {
  chosenPenalty,
  crossValidate,
  fitRidge,
  predictRows,
  type BlockRows,
  type RidgeProblem,
} from "./ridge.js";

const BLOCKS = [0, 4, 9, 10];
const [P, WIDTH] = [10, 3];

/** Rows with a category, up to three of several values, and a number; each may be missing. */
function planted(numRows: number, seed: number): RidgeProblem {
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
  const truth = Float64Array.from({ length: P * WIDTH }, () => between(-1, 1, random));
  const targets = new Float64Array(numRows * WIDTH);
  pairs.forEach((row, i) => {
    for (let t = 0; t < WIDTH; t++)
      targets[i * WIDTH + t] =
        2 + between(-0.1, 0.1, random) + row.reduce((sum, [j, x]) => sum + x * truth[j * WIDTH + t]!, 0);
  });
  return { rows, weights: Float64Array.from({ length: numRows }, () => random()), width: WIDTH, targets };
}

/** Rows z as the file's head defines them, dense: f64[numRows][P], centred by block over the chosen rows that have it. */
function denseRows({ rows, weights }: RidgeProblem, chosen: Uint32Array): number[][] {
  const dense = Array.from({ length: rows.numRows }, (_, i) => {
    const x = Array.from({ length: P }, () => 0);
    for (let pair = rows.indptr[i]!; pair < rows.indptr[i + 1]!; pair++)
      x[rows.columns[pair]!] = rows.values[pair]!;
    return x;
  });
  const blockOf = (j: number) => BLOCKS.findIndex((_, f) => j >= BLOCKS[f]! && j < BLOCKS[f + 1]!);
  const has = dense.map((x) => [0, 1, 2].map((f) => x.some((value, j) => value !== 0 && blockOf(j) === f)));
  const centre = Array.from({ length: P }, (_, j) => {
    let [sum, mass] = [0, 0];
    for (const i of chosen) {
      if (!has[i]![blockOf(j)]!) continue;
      sum += weights[i]! * dense[i]![j]!;
      mass += weights[i]!;
    }
    return sum / mass;
  });
  return dense.map((x, i) => x.map((value, j) => (has[i]![blockOf(j)]! ? value - centre[j]! : 0)));
}

/** The same map by the normal equations, one target after the other. */
function referenceFit(problem: RidgeProblem, chosen: Uint32Array, penalty: number) {
  const z = denseRows(problem, chosen);
  const { weights, targets } = problem;
  const mass = chosen.reduce((sum, i) => sum + weights[i]!, 0);
  const coefficients = new Float64Array(P * WIDTH);
  const mean = new Float64Array(WIDTH);
  for (let t = 0; t < WIDTH; t++) {
    for (const i of chosen) mean[t]! += (weights[i]! * targets[i * WIDTH + t]!) / mass;
    const [a, b] = [new Float64Array(P * P), new Float64Array(P)];
    for (const i of chosen)
      for (let j = 0; j < P; j++) {
        b[j]! += weights[i]! * z[i]![j]! * (targets[i * WIDTH + t]! - mean[t]!);
        for (let k = 0; k < P; k++) a[j * P + k]! += weights[i]! * z[i]![j]! * z[i]![k]!;
      }
    for (let j = 0; j < P; j++) a[j * P + j]! += penalty;
    solveCholesky(a, b)!.forEach((x, j) => (coefficients[j * WIDTH + t] = x));
  }
  return { z, mean, coefficients };
}

const all = (n: number) => Uint32Array.from({ length: n }, (_, i) => i);
const largest = (a: Float64Array, b: Float64Array) => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

describe.each([0.01, 1, 100])("fitRidge, penalty %d", (penalty) => {
  test.each([1, 2])("agrees with the normal equations to 1e-7, seed %i", (seed) => {
    const problem = planted(60, seed);
    const chosen = all(60).filter((i) => i % 5 !== seed);
    const { z, mean, coefficients } = referenceFit(problem, chosen, penalty);
    const map = fitRidge(problem, chosen, penalty);
    expect(largest(map.coefficients, coefficients)).toBeLessThan(1e-7);
    expect(largest(map.mean, mean)).toBeLessThan(1e-12);
    // rows that were not fitted on are centred as the others are
    const expected = Float64Array.from({ length: 60 * WIDTH }, (_, at) => {
      const [i, t] = [Math.floor(at / WIDTH), at % WIDTH];
      return mean[t]! + z[i]!.reduce((sum, x, j) => sum + x * coefficients[j * WIDTH + t]!, 0);
    });
    expect(largest(predictRows(map, problem.rows), expected)).toBeLessThan(1e-7);
  });

  test("is the same from another penalty's map", () => {
    const problem = planted(60, 3);
    const start = fitRidge(problem, all(60), 10);
    const [cold, warm] = [
      fitRidge(problem, all(60), penalty),
      fitRidge(problem, all(60), penalty, { start }),
    ];
    expect(largest(cold.coefficients, warm.coefficients)).toBeLessThan(1e-7);
  });
});

test("an infinite penalty is the weighted mean", () => {
  const problem = planted(20, 1);
  const map = fitRidge(problem, all(20), Infinity);
  expect(Math.max(...map.coefficients.map(Math.abs))).toBe(0);
  expect(largest(predictRows(map, problem.rows).subarray(0, WIDTH), map.mean)).toBe(0);
});

describe("the penalty", () => {
  const penalties = [Infinity, 1000, 100, 10, 1, 0.1];
  const folds = { foldOf: (row: number) => row % 5, numFolds: 5 };
  const r2Of = (problem: RidgeProblem, n: number) =>
    chosenPenalty(crossValidate(problem, all(n), folds, penalties), 0, WIDTH);

  test("of columns that explain the targets is small, and R² near 1", () => {
    const { penalty, r2 } = r2Of(planted(400, 4), 400);
    expect(penalty).toBeLessThanOrEqual(10);
    expect(r2).toBeGreaterThan(0.95);
  });

  test.each([1, 2, 3, 4, 5])("of targets dealt to other rows is the mean's, with R² 0, seed %i", (seed) => {
    const problem = planted(400, seed);
    const random = mulberry32(seed + 100);
    for (let i = 399; i > 0; i--) {
      const j = integerBelow(i + 1, random);
      for (let t = 0; t < WIDTH; t++) {
        const [a, b] = [i * WIDTH + t, j * WIDTH + t];
        [problem.targets[a], problem.targets[b]] = [problem.targets[b]!, problem.targets[a]!];
      }
    }
    expect(r2Of(problem, 400)).toEqual({ penalty: Infinity, r2: 0, best: expect.any(Number) });
  });

  test("is judged as refitting without each fold judges it, to 1e-3", () => {
    const problem = planted(50, 6);
    const { errors, totals } = crossValidate(problem, all(50), folds, [1]);
    for (let fold = 0; fold < 5; fold++) {
      const { z, mean, coefficients } = referenceFit(
        problem,
        all(50).filter((i) => i % 5 !== fold),
        1,
      );
      let [error, total] = [0, 0];
      for (let i = fold; i < 50; i += 5)
        for (let t = 0; t < WIDTH; t++) {
          const away = problem.targets[i * WIDTH + t]! - mean[t]!;
          const by = z[i]!.reduce((sum, x, j) => sum + x * coefficients[j * WIDTH + t]!, 0);
          error += problem.weights[i]! * (away - by) ** 2;
          total += problem.weights[i]! * away ** 2;
        }
      const sum = (of: Float64Array) => of.reduce((a, b) => a + b, 0);
      expect(Math.abs(sum(errors[0]![fold]!) - error) / error).toBeLessThan(1e-3);
      expect(Math.abs(sum(totals[fold]!) - total) / total).toBeLessThan(1e-9);
    }
  });
});
