// Expects that FTRL approaches the optimum that L-BFGS finds.

import { logistic } from "../../base/numeric/exp.js";
import { integerBelow, mulberry32 } from "../../testing/random.js";
import { fitFtrl, fitLogistic, scoresOfRows, type LogisticModel, type OneHotRows } from "./logistic.js";

/** Creates two one-hot columns that determine the label, and a column of 50 categories that is independent of it. */
function planted(numRows: number): { rows: OneHotRows; labels: Float32Array } {
  const random = mulberry32(3);
  const ids = new Uint32Array(3 * numRows);
  const labels = new Float32Array(numRows);
  for (let r = 0; r < numRows; r++) {
    const [a, b, noise] = [integerBelow(5, random), integerBelow(4, random), integerBelow(50, random)];
    ids.set([a, 5 + b, 9 + noise], 3 * r);
    labels[r] = random() < logistic(0.5 * a - 0.7 * b) ? 1 : 0;
  }
  return { rows: { numRows, width: 3, numFeatures: 59, ids }, labels };
}

test("its loss is within 0.5 % of the optimum's after three passes", () => {
  const { rows, labels } = planted(20_000);
  const lossOf = (model: LogisticModel) =>
    scoresOfRows(rows, model).reduce((sum, s, r) => sum + Math.log1p(Math.exp(labels[r] ? -s : s)), 0);
  const best = lossOf(fitLogistic(rows, labels, undefined, { l2: 1, iterations: 200 }));
  expect(lossOf(fitFtrl(rows, labels, undefined, { l1: 0, l2: 1, passes: 3 })) / best).toBeLessThan(1.005);
});

test("L1 leaves weights of what tells nothing where they are drawn to, and keeps the others", () => {
  const { rows, labels } = planted(20_000);
  const prior = Float64Array.from({ length: 59 }, (_, i) => i / 100);
  const { weights } = fitFtrl(rows, labels, undefined, { l1: 60, l2: 0, passes: 1, prior });
  const isAtPrior = Array.from(weights, (w, i) => w === prior[i]);
  expect(isAtPrior.slice(0, 9).filter(Boolean).length).toBeLessThan(4);
  expect(isAtPrior.slice(9).filter(Boolean).length).toBeGreaterThan(40);
});
