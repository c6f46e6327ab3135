import { draw } from "../../../base/numeric/random.js";
import { scoreRows } from "../../shared/factor-model/model.js";
import { inputOf, numFeatures, plantedRows } from "../planted.test.rows.js";
import { bestScale, scaledBy } from "./draws.js";

const unit = (i: number) => draw(3, i) / 2 ** 32;
/** Generates labels whose true log-odds are the scores times the factor. */
function overconfident(factor: number) {
  const scores = Float32Array.from({ length: 20_000 }, (_, r) => 8 * unit(2 * r) - 4);
  const labels = scores.map((s, r) => (unit(2 * r + 1) < 1 / (1 + Math.exp(-factor * s)) ? 1 : 0));
  return { scores, rows: { ...plantedRows(1, "logistic", 1), numRows: labels.length, labels } };
}

test.each([0.3, 0.6, 1])("scores that are too sure by 1 / %d are brought back to within 0.02", (factor) => {
  const { scores, rows } = overconfident(factor);
  expect(Math.abs(bestScale("logit", scores, rows) - factor)).toBeLessThan(0.02);
});

test("a table is never made surer", () => {
  const { scores, rows } = overconfident(2);
  expect(bestScale("logit", scores, rows)).toBe(1);
});

test("a machine scaled by 0.49 scores 0.49 times as much, to 1e-5", async () => {
  const rows = plantedRows(300, "logistic", 8, true);
  const { counts } = inputOf(rows);
  const machine = {
    dim: 4,
    w0: 0.3,
    w: Float32Array.from(counts, (_, i) => unit(i) - 0.5),
    vectors: Float32Array.from({ length: 4 * numFeatures }, (_, i) => unit(1000 + i) - 0.5),
  };
  const [plain, scaled] = await Promise.all(
    [machine, scaledBy(0.49, machine)].map((each) => scoreRows(each, rows, { threads: 1 })),
  );
  expect(Math.max(...plain!.map((s, r) => Math.abs(0.49 * s - scaled![r]!)))).toBeLessThan(1e-5);
});
