import { draw } from "../../numeric/random.js";
import { contrastLoss, pairLoss, type ReferenceRankingOptions } from "./reference-loss.js";
import { referenceContrast, ReferenceRanking, referencePairs, type ReferenceEvent } from "./reference.js";

const dim = 8;
const first = Float64Array.from({ length: 20 * dim }, (_, i) => draw(3, i) / 2 ** 31 - 1);
const options: ReferenceRankingOptions = {
  loss: "bpr",
  cosine: false,
  method: "adagrad",
  learningRate: 0.01,
  l2Weight: 0,
  l2Vector: 0,
  margin: 0.3,
  negativeWeight: 10,
  temperature: 0.5,
  rankWeights: [0, 3, 2, 1.5],
};
/** Every feature occurs once, so that a step tells its gradient. */
const event: ReferenceEvent = {
  context: { ids: [0, 1], values: [1, 0.5] },
  items: [
    { ids: [2, 3], values: [1, -0.7] },
    { ids: [4, 5, 6], values: [1, 0.5, 0.5] },
    { ids: [7], values: [1] },
    { ids: [8, 9], values: [1, 2] },
  ],
  weight: 1.5,
};
const none = { logNoise: [[-1, -2, -3, -1.5]], excluded: [[false, false, true, false]] };

type Loss = "bpr" | "warp" | "sampled-softmax" | "ccl";
const lossOf = (model: ReferenceRanking, settings: ReferenceRankingOptions) => {
  const scores = event.items.map((item) => model.score(event.context, item, settings.cosine));
  const isPair = settings.loss === "bpr" || settings.loss === "warp";
  const { loss } = isPair
    ? pairLoss(scores, settings)
    : contrastLoss(scores, none.logNoise[0]!, none.excluded[0]!, settings);
  return loss * event.weight;
};

test.each<[Loss, boolean]>([
  ["bpr", false],
  ["warp", false],
  ["sampled-softmax", false],
  ["sampled-softmax", true],
  ["ccl", true],
])("a step of %s (cosine: %p) follows central differences to 1e-6", (loss, cosine) => {
  const settings = { ...options, loss, cosine };
  const h = 1e-5;
  const expected = first.map((_, i) => {
    const at = (shift: number) =>
      lossOf(
        new ReferenceRanking(
          dim,
          first.map((v, j) => (j === i ? v + shift : v)),
          1,
        ),
        settings,
      );
    return (at(h) - at(-h)) / (2 * h);
  });
  // v moves by lr gradient / root of its slice's sum, to which the mean of the squared gradients has been added
  const model = new ReferenceRanking(dim, first, 1);
  const isPair = loss === "bpr" || loss === "warp";
  const sum = isPair
    ? referencePairs(model, [event], settings)
    : referenceContrast(model, [event], none, settings);
  const got = model.vectors.map((v, i) => {
    return ((first[i]! - v) * Math.sqrt(model.squares[Math.floor(i / dim)]!)) / settings.learningRate;
  });
  expect(sum).toBeCloseTo(lossOf(new ReferenceRanking(dim, first, 1), settings), 9);
  // pairs move the items after the context, which they read anew: to first order in the learning rate the same
  expect(Math.max(...got.map((g, i) => Math.abs(g - expected[i]!)))).toBeLessThan(1e-6);
  expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.1);
});
