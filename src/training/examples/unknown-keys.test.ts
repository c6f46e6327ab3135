import { encodeKeys } from "../../log/keys.js";
import { featureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { unknownKeysOf } from "./feature-table.js";

const key = (name: string, keys: string[]) => ({
  kind: "key" as const,
  name,
  keys: encodeKeys(keys),
  counts: new Uint32Array(keys.length + 1),
});
// The features are, in this order: out-of-vocabulary user, u0, u1; age; out-of-vocabulary item, i0.
const space = featureSpace([
  key("user", ["u0", "u1"]),
  { kind: "number", name: "age", mean: 0, deviation: 1, count: 3 },
  key("item", ["i0"]),
]);

test("each field of keys has the weight and vector of its first feature, and a field of numbers none", () => {
  const w = Float32Array.of(1, 2, 3, 4, 5, 6);
  const vectors = Float32Array.from({ length: 12 }, (_, i) => i);
  expect(unknownKeysOf(space, { dim: 2, w, vectors })).toEqual({
    weights: Float32Array.of(1, 0, 5),
    vectors: Float32Array.of(0, 1, 0, 0, 8, 9),
    is: ["trained", undefined, "trained"],
  });
});

test("without dimensions the weights stand in the vectors' place, as in a linear model's table", () => {
  const unknown = unknownKeysOf(space, {
    dim: 0,
    w: Float32Array.of(1, 2, 3, 4, 5, 6),
    vectors: new Float32Array(),
  });
  expect(unknown.vectors).toEqual(unknown.weights);
});
