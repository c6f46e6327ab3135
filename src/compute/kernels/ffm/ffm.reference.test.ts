import { referenceFfm, referenceFfmScore, referencePairGradient } from "./ffm.reference.js";
import { rowLoss } from "../../../base/numeric/losses.js";
import { type ReferenceRow, referenceScoreGradients } from "../fm/fm.reference.js";
import { draw } from "../../../base/numeric/random.js";

const unit = (i: number) => draw(3, i) / 2 ** 32 - 0.5;
const dim = 3;
const fieldOf = [0, 0, 1, 1, 2, 2];
const vectors = Array.from({ length: 6 * 3 * dim }, (_, i) => unit(i));
const model = referenceFfm(dim, fieldOf, 0.2, vectors, "adagrad");
const row: ReferenceRow = { ids: [1, 2, 3, 5], values: [1, 0.5, 0.5, -1.3], label: 1 };

/** Returns the objective of the row after adding h to the k-th element of the vectors; the squared loss counts half. */
function objective(loss: "logistic" | "squared", k: number, h: number): number {
  const v = Float64Array.from(model.v);
  v[k]! += h;
  const score = referenceFfmScore({ ...model, v }, row);
  return loss === "squared" ? (score - row.label) ** 2 / 2 : rowLoss(loss, score, row.label);
}

describe.each(["logistic", "squared"] as const)("%s loss", (loss) => {
  test("the gradient of every vector that a row touches is the central difference, to 1e-8", () => {
    const g = referenceScoreGradients([row], [referenceFfmScore(model, row)], loss)[0]!;
    const at = (i: number, field: number, d: number) => (i * 3 + field) * dim + d;
    let worst = 0;
    let count = 0;
    row.ids.forEach((i, a) => {
      for (let d = 0; d < dim; d++) {
        for (const field of new Set(row.ids.filter((j) => j !== i).map((j) => fieldOf[j]!))) {
          // a vector interacts with every feature of its partner field, so its gradient is the sum over these features
          let gradient = 0;
          row.ids.forEach((j, b) => {
            if (j === i || fieldOf[j] !== field) return;
            const xx = row.values[a]! * row.values[b]!;
            gradient += referencePairGradient(g, xx, model.v[at(j, fieldOf[i]!, d)]!);
          });
          const k = at(i, field, d);
          const difference = (objective(loss, k, 1e-5) - objective(loss, k, -1e-5)) / 2e-5;
          worst = Math.max(worst, Math.abs(gradient - difference));
          count++;
        }
      }
    });
    expect(count).toBe(30);
    expect(worst).toBeLessThan(1e-8);
  });
});

test("the score is w0, the weights and every pair's product, the two of one field among them", () => {
  const dot = (i: number, f: number, j: number, h: number) =>
    [0, 1, 2].reduce((sum, d) => sum + vectors[(i * 3 + f) * dim + d]! * vectors[(j * 3 + h) * dim + d]!, 0);
  const w = Float64Array.of(0, 0.1, 0.2, 0.3, 0, 0.4);
  const expected =
    0.2 +
    (0.1 + 0.1 + 0.15 - 1.3 * 0.4) +
    0.5 * dot(1, 1, 2, 0) +
    0.5 * dot(1, 1, 3, 0) -
    1.3 * dot(1, 2, 5, 0) +
    0.25 * dot(2, 1, 3, 1) -
    0.65 * dot(2, 2, 5, 1) -
    0.65 * dot(3, 2, 5, 1);
  expect(referenceFfmScore({ ...model, w }, row)).toBeCloseTo(expected, 12);
});
