import type { FeatureRows } from "../../dataset/rows.js";
import { logLoss } from "../../metrics/metrics.js";
import { logistic } from "../../base/numeric/exp.js";
import { integerBelow, mulberry32 } from "../../testing/random.js";
import { fitWeights, weightScores } from "./weights-alone.js";

/** Numbers of keys of the data's three fields. The first two fields determine the label, the third does not. */
const SIZES = [200, 40, 30];
const space = { offsets: [0, 200, 240, 270], numFeatures: 270 };
/** random log-odds of each feature */
const random = mulberry32(3);
const truth = Float64Array.from({ length: space.numFeatures }, (_, j) =>
  j < space.offsets[2]! ? 2 * (random() + random() - 1) : 0,
);

function drawRows(numRows: number, seed: number): FeatureRows & { scores: Float32Array } {
  const draw = mulberry32(seed);
  const ids = new Uint32Array(3 * numRows);
  const scores = new Float32Array(numRows);
  const labels = Float32Array.from(scores, (_, r) => {
    scores[r] = -1;
    SIZES.forEach((size, f) => {
      ids[3 * r + f] = space.offsets[f]! + integerBelow(size, draw);
      scores[r]! += truth[ids[3 * r + f]!]!;
    });
    return draw() < logistic(scores[r]!) ? 1 : 0;
  });
  return { numRows, width: 3, ids, labels, scores };
}

/** Converts rows to the sparse layout, with a stored value of 1 for each feature. */
const sparse = ({ numRows, ids, labels }: FeatureRows): FeatureRows => ({
  ...{ numRows, width: 0, ids, labels, values: new Float32Array(ids.length).fill(1) },
  indptr: Uint32Array.from({ length: numRows + 1 }, (_, r) => 3 * r),
});

test.each([
  ["few rows, where every cycle reads all of them", 20_000, 0.006],
  ["many rows, whose first cycles read a sample", 150_000, 0.001],
])("weights of %s predict new rows almost as well as the odds that made them", (_, numRows, most) => {
  const fitted = fitWeights(drawRows(numRows, 1), space, "logistic");
  const fresh = drawRows(50_000, 2);
  const best = logLoss(fresh.scores, fresh.labels);
  expect(logLoss(weightScores(fresh, fitted), fresh.labels) - best).toBeLessThan(most);
  // Without a penalty, the weights of uninformative keys would overfit, at a cost of half a nat per key and training
  // row.
  const noise = fitted.weights.subarray(space.offsets[2]);
  expect(Math.max(...noise.map(Math.abs))).toBeLessThan(0.1);
});

test("pairs with values are fitted as rows of one pair a field are", () => {
  const rows = drawRows(20_000, 1);
  const [dense, pairs] = [rows, sparse(rows)].map((of) => fitWeights(of, space, "logistic"));
  const differences = dense!.weights.map((weight, j) => Math.abs(weight - pairs!.weights[j]!));
  expect(Math.max(...differences)).toBeLessThan(1e-5);
});

test("rows that count twice are rows that are there twice", () => {
  const rows = drawRows(10_000, 1);
  const twice = {
    ...{ numRows: 20_000, width: 3, ids: Uint32Array.of(...rows.ids, ...rows.ids) },
    labels: Float32Array.of(...rows.labels, ...rows.labels),
  };
  const weights = new Float32Array(rows.numRows).fill(2);
  const [counted, repeated] = [{ ...rows, weights }, twice].map((of) => fitWeights(of, space, "logistic"));
  const differences = counted!.weights.map((weight, j) => Math.abs(weight - repeated!.weights[j]!));
  expect(Math.max(...differences)).toBeLessThan(1e-4);
});

test("for the squared loss, the unit of the labels is that of the weights", () => {
  const rows = drawRows(20_000, 1);
  const scaled = { ...rows, labels: rows.scores.map((score) => 100 * score) };
  const [one, hundred] = [{ ...rows, labels: rows.scores }, scaled].map((of) =>
    fitWeights(of, space, "squared"),
  );
  const differences = one!.weights.map((weight, j) => Math.abs(100 * weight - hundred!.weights[j]!));
  expect(Math.max(...differences)).toBeLessThan(0.01);
  // The data has no noise, so that the fitted weights are the true weights up to a constant per field.
  const spread = truth.subarray(0, 200).map((value, j) => value - one!.weights[j]!);
  expect(Math.max(...spread) - Math.min(...spread)).toBeLessThan(0.01);
});
