// Expects that logistic regression satisfies its optimality conditions.

import { logistic } from "../../base/numeric/exp.js";
import { integerBelow, mulberry32 } from "../../testing/random.js";
import { minimize } from "./lbfgs.js";
import { fitLogistic, scoresOfRows, type OneHotRows } from "./logistic.js";

function planted(numRows: number) {
  const random = mulberry32(3);
  const ids = new Uint32Array(2 * numRows);
  const labels = new Float32Array(numRows);
  for (let r = 0; r < numRows; r++) {
    const [a, b] = [integerBelow(5, random), integerBelow(4, random)];
    ids.set([a, 5 + b], 2 * r);
    labels[r] = random() < logistic(0.5 * a - 0.7 * b) ? 1 : 0;
  }
  const rows: OneHotRows = { numRows, width: 2, numFeatures: 9, ids };
  return { rows, labels };
}

test("at the fitted weights the gradient of the penalised loss is below 1e-2 of one row's", () => {
  const { rows, labels } = planted(3000);
  const l2 = 2;
  const prior = Float64Array.from({ length: 9 }, (_, i) => i / 10);
  const model = fitLogistic(rows, labels, undefined, { l2, iterations: 200, prior });
  const scores = scoresOfRows(rows, model);
  const gradient = Float64Array.from(model.weights, (w, i) => l2 * (w - prior[i]!));
  let bias = 0;
  scores.forEach((score, r) => {
    const g = logistic(score) - labels[r]!;
    bias += g;
    for (let j = 0; j < 2; j++) gradient[rows.ids[2 * r + j]!]! += g;
  });
  expect(Math.max(Math.abs(bias), ...gradient.map(Math.abs))).toBeLessThan(1e-2);
});

test("a row that counts twice is two rows, to 1e-4", () => {
  const { rows, labels } = planted(400);
  const counts = Float32Array.from(labels, (_, r) => 1 + (r % 2));
  const twice = [...labels.keys()].flatMap((r) => (r % 2 === 1 ? [r, r] : [r]));
  const repeated: OneHotRows = {
    ...rows,
    numRows: twice.length,
    ids: Uint32Array.from(twice.flatMap((r) => [...rows.ids.subarray(2 * r, 2 * r + 2)])),
  };
  const options = { l2: 1, iterations: 500 };
  const one = fitLogistic(rows, labels, counts, options);
  const two = fitLogistic(
    repeated,
    Float32Array.from(twice, (r) => labels[r]!),
    undefined,
    options,
  );
  expect(Math.max(...one.weights.map((w, i) => Math.abs(w - two.weights[i]!)))).toBeLessThan(1e-4);
});

test("one-hot rows written out as numbers give the same weights, to 1e-9", () => {
  const { rows, labels } = planted(500);
  const { numRows, numFeatures, ids } = rows;
  const values = new Float64Array(numRows * numFeatures);
  ids.forEach((id, at) => (values[Math.floor(at / 2) * numFeatures + id] = 1));
  const options = { l2: 1, iterations: 200 };
  const [sparse, dense] = [rows, { numRows, numFeatures, values }].map((form) =>
    fitLogistic(form, labels, undefined, options),
  );
  expect(Math.max(...sparse!.weights.map((w, i) => Math.abs(w - dense!.weights[i]!)))).toBeLessThan(1e-9);
});

test("minimize finds the bottom of Rosenbrock's valley", () => {
  const x = Float64Array.of(-1.2, 1);
  const { value } = minimize(
    (at, gradient) => {
      const [a, b] = [at[0]!, at[1]!];
      gradient[0] = -400 * a * (b - a * a) - 2 * (1 - a);
      gradient[1] = 200 * (b - a * a);
      return 100 * (b - a * a) ** 2 + (1 - a) ** 2;
    },
    x,
    { iterations: 500, tolerance: 1e-10 },
  );
  expect(value).toBeLessThan(1e-15);
  expect([...x]).toEqual([expect.closeTo(1, 6), expect.closeTo(1, 6)]);
});
