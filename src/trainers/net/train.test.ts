import { bindEncoder } from "../../dataset/rows.js";
import { featureCounts, fitFeatures } from "../../dataset/vocabulary/vocabulary.js";
import { rowLoss } from "../../base/numeric/losses.js";
import { BEFORE_DATA } from "../../training/session/feature-training.js";
import { datasetOf } from "../../testing/dataset-of.js";
import { integerBelow, mulberry32 } from "../../testing/random.js";
import { scoreRows } from "./model.js";
import { netOptionsOf } from "./options.js";
import { trainNet } from "./train.js";

const random = mulberry32(5);
const keys = () => Array.from({ length: 1500 }, () => `k${integerBelow(30, random)}`);
const dataset = datasetOf({ a: keys(), b: keys() });
const space = fitFeatures(
  dataset,
  Uint32Array.from({ length: 1000 }, (_, r) => r),
  1,
);
const rowsFrom = (first: number, count: number) =>
  bindEncoder(space, dataset).encode(
    Uint32Array.from({ length: count }, (_, r) => first + r),
    Float32Array.from({ length: count }, () => Number(random() < 0.3)),
  );
const [train, valid] = [rowsFrom(0, 1000), rowsFrom(1000, 500)];

async function trained(averageEpochs: number) {
  const network = { arch: "wide-deep", dim: 4, cross: [["a", "b"]], crossBits: 6 } as const;
  const steps = { batchSize: 16, epochs: 4, patience: 0, threads: 1, averageEpochs, wideL1: 0.1 };
  const options = netOptionsOf({ ...network, hidden: [8], ...steps }, BEFORE_DATA);
  const input = {
    space,
    counts: featureCounts(space),
    train: { kind: "resident", rows: train } as const,
    valid,
  };
  return await trainNet(input, options);
}

test.each([0, 2])(
  "with averageEpochs %s, the validation loss is that of the model, to 1e-7",
  async (epochs) => {
    const model = await trained(epochs);
    const scores = await scoreRows(space, model, valid, { threads: 1 });
    const loss =
      scores.reduce((sum, s, r) => sum + rowLoss("logistic", s, valid.labels[r]!), 0) / valid.numRows;
    expect(Math.abs(model.epochs.at(-1)!.validLoss! - loss)).toBeLessThan(1e-7);
  },
);

test("an average is another model, and leaves the training as it is: the same training losses, to 1e-9", async () => {
  const [plain, averaged] = [await trained(0), await trained(2)];
  const differences = (name: "trainLoss" | "validLoss") =>
    plain.epochs.map((epoch, e) => Math.abs(epoch[name]! - averaged.epochs[e]![name]!));
  expect(Math.max(...differences("trainLoss"))).toBeLessThan(1e-9);
  expect(Math.min(...differences("validLoss"))).toBeGreaterThan(1e-5);
});
