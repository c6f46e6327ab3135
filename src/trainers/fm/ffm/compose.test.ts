// Expects that the vectors and biases that are composed of a user's and of an item's features score as the field-aware
// machine does, and so does the regression problem by which a single feature is folded in.

import { encodeKeys } from "../../../log/keys.js";
import type { FeatureRows } from "../../../dataset/rows.js";
import { featureSpace, fieldOfFeatures, type Field } from "../../../dataset/vocabulary/vocabulary.js";
import { referenceFfm, referenceFfmScore } from "../../../compute/kernels/ffm/ffm.reference.js";
import { mulberry32 } from "../../../testing/random.js";
import type { FmParameters } from "../../shared/factor-model/model.js";
import { crossComposer } from "./run.js";

const [SIZE, K] = [5, 3];
const names = ["user", "item", "hour", "genres", "brand"];
const space = featureSpace(
  names.map((name): Field => {
    const keys = encodeKeys(Array.from({ length: SIZE }, (_, i) => `key${i}`));
    return { kind: name === "genres" ? "multi" : "key", name, keys, counts: new Uint32Array(SIZE + 1) };
  }),
);
const random = mulberry32(11);
const numbers = (n: number) => Float32Array.from({ length: n }, () => 2 * random() - 1);
const dim = names.length * K;
const parameters: FmParameters = {
  dim,
  w0: 0.4,
  w: numbers(space.numFeatures),
  vectors: numbers(space.numFeatures * dim),
};
const fieldOf = fieldOfFeatures(space.offsets);
const composer = crossComposer(space, parameters, ["item", "genres", "brand"]);

/** Generates features of a user or an item: one for each field, two for `genres`; one in four cells is missing. */
function rowOf(fields: readonly string[]): { ids: number[]; values: number[] } {
  const pairs = fields.flatMap((name): [number, number][] => {
    const f = names.indexOf(name);
    if (random() < 0.25) return [];
    const feature = (i: number) => space.offsets[f]! + 1 + ((Math.floor(random() * 4) + i) % SIZE);
    if (name !== "genres") return [[feature(0), 1]];
    const first = feature(0);
    const second = space.offsets[f]! + 1 + ((first - space.offsets[f]!) % SIZE);
    return [
      [first, 0.5],
      [second, 0.5],
    ];
  });
  return { ids: pairs.map(([id]) => id), values: pairs.map(([, x]) => Math.fround(x)) };
}
function rowsOf(list: { ids: number[]; values: number[] }[]): FeatureRows {
  const indptr = new Uint32Array(list.length + 1);
  list.forEach(({ ids }, r) => (indptr[r + 1] = indptr[r]! + ids.length));
  return {
    numRows: list.length,
    width: 0,
    indptr,
    ids: Uint32Array.from(list.flatMap(({ ids }) => ids)),
    values: Float32Array.from(list.flatMap(({ values }) => values)),
    labels: new Float32Array(list.length),
  };
}
/** Scores a row with the reference implementation, which accepts pairs in any order. */
function scoreOf(row: { ids: number[]; values: number[] }, { w, vectors }: FmParameters): number {
  const model = { ...referenceFfm(K, fieldOf, parameters.w0, vectors, "sgd"), w: Float64Array.from(w) };
  return referenceFfmScore(model, { ...row, label: 0 });
}

test("score(user, item) = w0 + b_u + b_i + <v_u, v_i> to 1e-5", () => {
  const users = Array.from({ length: 20 }, () => rowOf(["user", "hour"]));
  const items = Array.from({ length: 20 }, () => rowOf(["item", "genres", "brand"]));
  const [ofUsers, ofItems] = [rowsOf(users), rowsOf(items)];
  const [userVectors, itemVectors] = [composer.vectors(ofUsers), composer.vectors(ofItems)];
  const [userBias, itemBias] = [composer.weights(ofUsers), composer.weights(ofItems)];
  expect(composer.dim).toBe(3 * 2 * K);
  let worst = 0;
  users.forEach((user, u) => {
    items.forEach((item, i) => {
      let score = parameters.w0 + userBias[u]! + itemBias[i]!;
      for (let d = 0; d < composer.dim; d++)
        score += userVectors[u * composer.dim + d]! * itemVectors[i * composer.dim + d]!;
      const row = { ids: [...user.ids, ...item.ids], values: [...user.values, ...item.values] };
      worst = Math.max(worst, Math.abs(score - scoreOf(row, parameters)));
    });
  });
  expect(worst).toBeLessThan(1e-5);
});

test("events of a feature score offset + <phi, theta>, whatever its parameters are, to 1e-5", () => {
  const own = space.offsets[0]!;
  const list = Array.from({ length: 20 }, () => {
    const { ids, values } = rowOf(["item", "hour", "genres", "brand"]);
    return { ids: [own, ...ids], values: [1, ...values] };
  });
  const { phi, offsets, dim: size } = composer.events(rowsOf(list), own);
  expect(size).toBe(dim);
  const theta = numbers(1 + dim);
  const [w, vectors] = [parameters.w.slice(), parameters.vectors.slice()];
  w[own] = theta[0]!;
  vectors.set(theta.subarray(1), own * dim);
  const errors = list.map((row, r) => {
    let score = offsets[r]!;
    theta.forEach((x, i) => (score += x * phi[r * (1 + dim) + i]!));
    return Math.abs(score - scoreOf(row, { ...parameters, w, vectors }));
  });
  expect(Math.max(...errors)).toBeLessThan(1e-5);
});
