import { rowLoss } from "../../../base/numeric/losses.js";
import {
  referenceFm,
  type ReferenceOptions,
  type ReferenceRow,
  referenceScore,
  referenceScoreGradients,
  referenceSums,
  referenceVectorGradient,
} from "./fm.reference.js";
import { draw } from "../../../base/numeric/random.js";

const dim = 3;
const numFeatures = 6;
const row: ReferenceRow = { ids: [0, 2, 5], values: [1, -0.7, 2.5], label: 1 };
const model = () => {
  const vectors = Array.from({ length: numFeatures * dim }, (_, i) => draw(7, i) / 2 ** 32 - 0.5);
  const fm = referenceFm(dim, 0.3, vectors, "adagrad");
  fm.w.forEach((_, i) => (fm.w[i] = draw(8, i) / 2 ** 32 - 0.5));
  return fm;
};

const penalty = (l2: number, x: Float64Array) => 0.5 * l2 * x.reduce((sum, value) => sum + value * value, 0);

describe.each(["logistic", "squared"] as const)(
  "gradients of the %s loss",
  (loss: ReferenceOptions["loss"]) => {
    const [l2Weight, l2Vector, h] = [0.01, 0.02, 1e-5];
    // the step descends the gradient of half the squared loss
    const objective = (fm = model()) => {
      const scale = loss === "squared" ? 0.5 : 1;
      return (
        scale * rowLoss(loss, referenceScore(fm, row), row.label) +
        penalty(l2Weight, fm.w) +
        penalty(l2Vector, fm.v)
      );
    };
    const difference = (move: (fm: ReturnType<typeof model>, by: number) => void) => {
      const [up, down] = [model(), model()];
      move(up, h);
      move(down, -h);
      return (objective(up) - objective(down)) / (2 * h);
    };
    const fm = model();
    const g = referenceScoreGradients([row], [referenceScore(fm, row)], loss)[0]!;
    const S = referenceSums(fm, row);

    test("w0's agrees with central differences to 1e-8", () => {
      expect(Math.abs(difference((m, by) => (m.w0 += by)) - g)).toBeLessThan(1e-8);
    });

    test("every w's agrees with central differences to 1e-8", () => {
      const errors = row.ids.map((id, i) => {
        const gradient = row.values[i]! * g + l2Weight * fm.w[id]!;
        return Math.abs(difference((m, by) => (m.w[id]! += by)) - gradient);
      });
      expect(Math.max(...errors)).toBeLessThan(1e-8);
    });

    test("every v's agrees with central differences to 1e-8", () => {
      const errors = row.ids.flatMap((id, i) =>
        Array.from(S, (s, d) => {
          const k = id * dim + d;
          const gradient = referenceVectorGradient(g, row.values[i]!, s, fm.v[k]!) + l2Vector * fm.v[k]!;
          return Math.abs(difference((m, by) => (m.v[k]! += by)) - gradient);
        }),
      );
      expect(Math.max(...errors)).toBeLessThan(1e-8);
    });
  },
);

test("the score is the sum over pairs of products of two vectors", () => {
  const fm = model();
  let expected = fm.w0;
  row.ids.forEach((a, i) => {
    expected += fm.w[a]! * row.values[i]!;
    row.ids.slice(i + 1).forEach((b, j) => {
      const x = row.values[i]! * row.values[i + 1 + j]!;
      for (let d = 0; d < dim; d++) expected += fm.v[a * dim + d]! * fm.v[b * dim + d]! * x;
    });
  });
  expect(Math.abs(referenceScore(fm, row) - expected)).toBeLessThan(1e-12);
});
