import { draw } from "../../../base/numeric/random.js";
import {
  behindLayers,
  contrastLoss,
  denseLayers,
  pairLoss,
  referenceContrast,
  ReferenceRanking,
  referencePairs,
  type ReferenceEvent,
  type ReferenceRankingOptions,
} from "./ranking.reference.js";

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
/** An event in which every feature occurs once, so that a step shows the gradient of each. */
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
const lossOf = (model: ReferenceRanking, settings: ReferenceRankingOptions, layers?: Float64Array[]) => {
  const vectors = behindLayers(layers, model.vectors, dim);
  const scores = event.items.map((item) => model.score(event.context, item, settings.cosine, vectors));
  const isPair = settings.loss === "bpr" || settings.loss === "warp";
  const { loss } = isPair
    ? pairLoss(scores, settings)
    : contrastLoss(scores, none.logNoise[0]!, none.excluded[0]!, settings);
  return loss * event.weight;
};

/** Returns a graph that is a ring of the features, with additional edges between features 10 apart. */
function ring(numLayers: number): Float64Array[] {
  const lists = Array.from({ length: 20 }, (_, f) => [(f + 1) % 20, (f + 19) % 20]);
  for (let f = 0; f < 10; f += 5) {
    lists[f]!.push(f + 10);
    lists[f + 10]!.push(f);
  }
  const ends = Uint32Array.from([0, ...lists.map((_, f) => lists.slice(0, f + 1).flat().length)]);
  return denseLayers({ layers: numLayers, ends, neighbors: Uint32Array.from(lists.flat()) });
}

test.each<[Loss, boolean, number, number]>([
  ["bpr", false, 0, 1],
  ["warp", false, 0, 1],
  ["sampled-softmax", false, 0, 1],
  ["sampled-softmax", true, 0, 1],
  ["sampled-softmax", false, 0, 0.8],
  ["sampled-softmax", true, 0, 1.5],
  ["sampled-softmax", true, 1, 1.5],
  ["sampled-softmax", true, 3, 1],
  ["ccl", true, 0, 10],
  ["ccl", true, 2, 10],
])(
  "a step of %s (cosine: %p, %i layers, weight %d) follows central differences to 1e-6",
  (loss, cosine, numLayers, negativeWeight) => {
    const settings = { ...options, loss, cosine, negativeWeight };
    const layers = numLayers > 0 ? ring(numLayers) : undefined;
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
          layers,
        );
      return (at(h) - at(-h)) / (2 * h);
    });
    // AdaGrad changes v by lr * gradient / sqrt(n), where n, the sum of its slice, already contains this step's mean
    // squared gradient
    const model = new ReferenceRanking(dim, first, 1);
    const isPair = loss === "bpr" || loss === "warp";
    const sum = isPair
      ? referencePairs(model, [event], settings)
      : referenceContrast(model, [event], none, settings, layers);
    const got = model.vectors.map((v, i) => {
      return ((first[i]! - v) * Math.sqrt(model.squares[Math.floor(i / dim)]!)) / settings.learningRate;
    });
    expect(sum).toBeCloseTo(lossOf(new ReferenceRanking(dim, first, 1), settings, layers), 9);
    // the step of a pair updates the context first and uses its new vector for the items, which makes a difference of
    // second order in the learning rate
    expect(Math.max(...got.map((g, i) => Math.abs(g - expected[i]!)))).toBeLessThan(1e-6);
    expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.1);
  },
);
