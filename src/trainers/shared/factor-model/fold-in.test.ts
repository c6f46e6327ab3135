// Expects that folding in returns the minimum of its loss, which the test implements from its definition.

import { UsageError } from "../../../base/errors.js";
import { mulberry32 } from "../../../testing/random.js";
import { foldIn, priorPenalties, type FoldInEvents } from "./fold-in.js";

function events(numRows: number, dim: number, seed: number): FoldInEvents {
  const random = mulberry32(seed);
  const some = (n: number) => Float64Array.from({ length: n }, () => 2 * random() - 1);
  const phi = some(numRows * (1 + dim));
  for (let row = 0; row < numRows; row++) phi[row * (1 + dim)] = 1;
  return {
    dim,
    phi,
    offsets: some(numRows),
    labels: Float64Array.from({ length: numRows }, () => (random() < 0.5 ? 0 : 1)),
    weights: Float64Array.from({ length: numRows }, () => 0.5 + random()),
  };
}

const losses = {
  squared: (score: number, y: number) => 0.5 * (score - y) ** 2,
  logistic: (score: number, y: number) => Math.log(1 + Math.exp(score)) - y * score,
};

describe.each(["squared", "logistic"] as const)("%s", (loss) => {
  test.each([
    [1, 0],
    [1, 8],
    [3, 8],
    [40, 8],
  ])("%i events, dim %i: every slope is below 1e-6 and every neighbor is higher", (numRows, dim) => {
    const own = events(numRows, dim, 10 * numRows + dim);
    const [l2Weight, l2Vector] = [0.02, 0.3];
    const total = (theta: Float64Array) => {
      let sum = 0;
      theta.forEach((x, i) => (sum += 0.5 * (i === 0 ? l2Weight : l2Vector) * x * x));
      for (let row = 0; row < numRows; row++) {
        let score = own.offsets[row]!;
        theta.forEach((x, i) => (score += x * own.phi[row * (1 + dim) + i]!));
        sum += own.weights[row]! * losses[loss](score, own.labels[row]!);
      }
      return sum;
    };
    const theta = foldIn(own, { loss, l2Weight, l2Vector });
    const best = total(theta);
    const slopes = Array.from(theta, (_, i) => {
      const beside = (step: number) => total(theta.map((x, j) => (j === i ? x + step : x)));
      expect(Math.min(beside(1e-2), beside(-1e-2))).toBeGreaterThan(best);
      return (beside(1e-5) - beside(-1e-5)) / 2e-5;
    });
    expect(Math.max(...slopes.map(Math.abs))).toBeLessThan(1e-6);
  });
});

test("a separable event under a tiny penalty still arrives", () => {
  const one = { ...events(1, 4, 3), labels: Float64Array.of(1) };
  const theta = foldIn(one, { loss: "logistic", l2Weight: 1e-6, l2Vector: 1e-6 });
  expect(theta.every(Number.isFinite)).toBe(true);
  expect(theta[0]).toBeGreaterThan(1);
});

test("without a penalty, fewer events than unknowns are an error that says what to give", () => {
  const few = () => foldIn(events(2, 4, 3), { loss: "squared", l2Weight: 0, l2Vector: 0 });
  expect(few).toThrow(UsageError);
  expect(few).toThrow("--l2-vector");
});

test("the penalties are noise over the mean square of what the field's known keys have, by their events", () => {
  const model = {
    dim: 2,
    w0: 0,
    w: Float32Array.of(9, 9, 1, 3),
    vectors: Float32Array.of(9, 9, 9, 9, 1, 2, 0, 1),
  };
  // Feature 1 is out-of-vocabulary. Features 2 and 3 have 3 events and 1 event.
  const { l2Weight, l2Vector } = priorPenalties(model, 1, Uint32Array.of(5, 3, 1), 2, 1);
  expect(l2Weight).toBeCloseTo(2 / ((3 * 1 + 1 * 9) / 4), 12);
  expect(l2Vector[0]).toBeCloseTo(2 / ((3 * (1 + 4) + 1 * (0 + 1)) / 2 / 4), 12);
  // Each of the two halves of a vector has its own L2 penalty.
  const blocks = priorPenalties(model, 1, Uint32Array.of(5, 3, 1), 2, 2).l2Vector;
  expect([...blocks].map((x) => 1 / x)).toEqual([
    expect.closeTo(3 / 4 / 2, 12),
    expect.closeTo(13 / 4 / 2, 12),
  ]);
  // A field whose weights are all 0 gets a strong penalty.
  expect(
    priorPenalties({ ...model, w: new Float32Array(4) }, 1, Uint32Array.of(5, 3, 1), 2, 1).l2Weight,
  ).toBeGreaterThan(1e8);
});
