// Expects that the composed vectors and biases of a user's and an item's features give the scores of the model.

import type { FeatureRows } from "../../../dataset/rows.js";
import { mulberry32 } from "../../../testing/random.js";
import { composeVectors, composeWeights } from "./compose.js";
import { scoreRows, type FmParameters } from "./model.js";

const [NUM_USERS, NUM_FEATURES, DIM] = [20, 60, 12];
const random = mulberry32(7);
const numbers = (n: number) => Float32Array.from({ length: n }, () => 2 * random() - 1);
const model: FmParameters = {
  dim: DIM,
  w0: 0.3,
  w: numbers(NUM_FEATURES),
  vectors: numbers(NUM_FEATURES * DIM),
};

/** Returns rows of random features from `from` to `to` - 1, with a random value for each feature. */
function someRows(numRows: number, from: number, to: number): FeatureRows {
  const lists = Array.from({ length: numRows }, () => {
    const all = Array.from({ length: to - from }, (_, i) => from + i);
    return all.filter(() => random() < 0.2);
  });
  const indptr = new Uint32Array(numRows + 1);
  lists.forEach((list, r) => (indptr[r + 1] = indptr[r]! + list.length));
  const ids = Uint32Array.from(lists.flat());
  return { numRows, width: 0, indptr, ids, values: numbers(ids.length), labels: new Float32Array(numRows) };
}

test("score(user, item) = w0 + b_u + b_i + <v_u, v_i> to 1e-5", async () => {
  const users = someRows(30, 0, NUM_USERS);
  const items = someRows(40, NUM_USERS, NUM_FEATURES);
  const pairs = Array.from({ length: 30 * 40 }, (_, p) => [Math.floor(p / 40), p % 40] as const);
  const of = (rows: FeatureRows, r: number) => [rows.indptr![r]!, rows.indptr![r + 1]!] as const;
  const joined = pairs.map(([u, i]) => [of(users, u), of(items, i)] as const);
  const indptr = new Uint32Array(pairs.length + 1);
  joined.forEach(([u, i], p) => (indptr[p + 1] = indptr[p]! + u[1] - u[0] + i[1] - i[0]));
  const rows: FeatureRows = {
    numRows: pairs.length,
    width: 0,
    indptr,
    ids: Uint32Array.from(
      joined.flatMap(([u, i]) => [...users.ids.subarray(...u), ...items.ids.subarray(...i)]),
    ),
    values: Float32Array.from(
      joined.flatMap(([u, i]) => [...users.values!.subarray(...u), ...items.values!.subarray(...i)]),
    ),
    labels: new Float32Array(pairs.length),
  };
  const expected = await scoreRows(model, rows, { threads: 1 });
  const [userVectors, itemVectors] = [composeVectors(model, users), composeVectors(model, items)];
  const [userBias, itemBias] = [composeWeights(model, users), composeWeights(model, items)];
  const errors = pairs.map(([u, i], p) => {
    let score = model.w0 + userBias[u]! + itemBias[i]!;
    for (let d = 0; d < DIM; d++) score += userVectors[u * DIM + d]! * itemVectors[i * DIM + d]!;
    return Math.abs(score - expected[p]!);
  });
  expect(Math.max(...errors)).toBeLessThan(1e-5);
  expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(1);
});
