import { draw } from "../../base/numeric/random.js";
import { initialParameters, type NetDesign } from "./plan.js";

const plan: NetDesign = {
  arch: "fnn",
  offsets: [0, 3, 8],
  dim: 4,
  numNumeric: 0,
  hidden: [300, 200],
  activation: "tanh",
  embeddingRelu: false,
  dropout: 0,
  layerNorm: false,
  numCrosses: 0,
  loss: "logistic",
  learningRate: 0.001,
  l2: 0,
  embeddingLearningRate: 0.1,
  embeddingL2: 0,
  clipNorm: 0,
  learningRateDecay: 1,
  wideLearningRate: 0.1,
  wideL1: 0,
  wideL2: 0,
  seed: 1,
  batch: 4,
};
const hashes = Uint32Array.from({ length: 16 }, (_, i) => draw(3, i));
const counts = Uint32Array.of(0, 2, 2, 1, 3, 3, 4, 5);
const largest = (values: Float32Array) => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);

test("first weights fill the range of Glorot before tanh and of He before a ReLU, and biases are 0", () => {
  const tanh = initialParameters(plan, hashes, counts);
  const relu = initialParameters({ ...plan, activation: "relu" }, hashes, counts);
  const ratio = (values: Float32Array, within: number) => largest(values) / within;
  expect(ratio(tanh["layers.1.weight"]!, Math.sqrt(6 / 500))).toBeCloseTo(1, 3);
  expect(ratio(relu["layers.1.weight"]!, Math.sqrt(6 / 300))).toBeCloseTo(1, 3);
  expect(ratio(relu["output.weight"]!, Math.sqrt(6 / 201))).toBeGreaterThan(0.95);
  expect(largest(tanh["layers.0.bias"]!)).toBe(0);
  expect(tanh.w0).toEqual(Float32Array.of(0));
});

test("a feature that no row holds starts at 0, and another vocabulary or another layer moves no first value", () => {
  const all = initialParameters(plan, hashes, counts);
  expect(all.embeddings!.subarray(0, 5)).toEqual(new Float32Array(5));
  // `fewer` has a vocabulary that lacks the last feature of the second field, and a narrower first layer
  const fewer = { ...plan, offsets: [0, 3, 7], hidden: [30, 200] };
  const some = initialParameters(fewer, hashes.subarray(0, 14), counts.subarray(0, 7));
  expect(some.embeddings).toEqual(all.embeddings!.subarray(0, 35));
  expect(some["output.weight"]).toEqual(all["output.weight"]);
  expect(initialParameters({ ...plan, seed: 2 }, hashes, counts)["output.weight"]).not.toEqual(
    all["output.weight"],
  );
});

test("v of fnn starts as the table of another network does: w is drawn behind it", () => {
  const fnn = initialParameters(plan, hashes, counts).embeddings!;
  const other = initialParameters({ ...plan, arch: "deep-crossing" }, hashes, counts).embeddings!;
  expect(fnn.subarray(11, 15)).toEqual(other.subarray(8, 12));
});
