// Compares the linear system that MLlib solves for a row, in plain f64 and with our mapping of weights and penalties,
// with our own reference.

import { UsageError } from "../../base/errors.js";
import { referenceSolve } from "../../compute/kernels/als/als.reference.js";
import { draw } from "../../base/numeric/random.js";
import { solveCholesky } from "../../compute/solvers/cholesky.js";
import { mllibObjective } from "./learn-on-engine.js";

const [dim, numOthers, a, l2Vector] = [5, 30, 0.2, 0.03];
const others = Float64Array.from({ length: numOthers * dim }, (_, i) => draw(3, i) / 2 ** 31 - 1);

/**
 * Returns a row's vector, computed as in ALS.scala with implicitPrefs: a rating r adds alpha |r| h h' to the left side,
 * and if it is above 0 also (1 + alpha r) h to the right side and regParam to the diagonal.
 */
function mllibRow(h: Float64Array, ratings: [number, number][], alpha: number, regParam: number) {
  const [A, b] = [new Float64Array(dim * dim), new Float64Array(dim)];
  const add = (row: Float64Array, c: number) =>
    row.forEach((x, i) => row.subarray(0, i + 1).forEach((y, j) => (A[i * dim + j]! += c * x * y)));
  const vectorOf = (i: number) => h.subarray(i * dim, (i + 1) * dim);
  for (let i = 0; i < numOthers; i++) add(vectorOf(i), 1);
  for (const [i, r] of ratings) {
    add(vectorOf(i), alpha * Math.abs(r));
    if (r <= 0) continue;
    vectorOf(i).forEach((x, d) => (b[d]! += (1 + alpha * r) * x));
    for (let d = 0; d < dim; d++) A[d * dim + d]! += regParam;
  }
  return solveCholesky(A, b)!;
}

/**
 * Returns a user's vector for the given pairs of item and confidence, solved by our reference implementation with the
 * given penalty.
 */
function ownRow(pairs: [number, number][], penalty: number) {
  const W = { dim, data: new Float64Array(dim) };
  const events = {
    indptr: Uint32Array.of(0, pairs.length),
    indices: Uint32Array.from(pairs, ([i]) => i),
    values: Float32Array.from(pairs, ([, c]) => c),
  };
  referenceSolve(W, { dim, data: others }, events, { unobservedWeight: a, penalties: [penalty], block: dim });
  return W.data;
}

const sums = { numPairs: 3, numUsers: 1, numItems: numOthers };

test.each([
  ["equal", [1.5, 1.5, 1.5]],
  ["different", [0.5, 1, 4]],
])("a row with %s confidences is ours to 1e-9", (_, confidences) => {
  const pairs = confidences.map((c, e) => [7 * e + 2, c] as [number, number]);
  const confidence = confidences.reduce((sum, c) => sum + c, 0);
  const range: [number, number] = [Math.min(...confidences), Math.max(...confidences)];
  const { parameters, ratings, scale } = mllibObjective(
    { ...sums, confidence, range },
    { unobservedWeight: a, l2Vector },
  );
  const given = pairs.flatMap(([i, c]): [number, number][] =>
    ratings === "confidence"
      ? [[i, c]]
      : [
          [i, c - a],
          [i, -a],
        ],
  );
  // MLlib's vectors are ours divided by the scale, so the fixed vectors are divided, too
  const there = others.map((x) => x / scale);
  const row = mllibRow(there, given, parameters.alpha, parameters.regParam).map((x) => x * scale);
  // the log has only this user, so the sum of the penalties of all users equals this user's penalty
  const own = ownRow(pairs, l2Vector * (confidence + a * numOthers));
  expect(Math.max(...row.map((x, d) => Math.abs(x - own[d]!)))).toBeLessThan(1e-9);
  expect(Math.max(...own.map(Math.abs))).toBeGreaterThan(0.05);
});

test("what MLlib cannot express is refused with the reason", () => {
  const of = (unobservedWeight: number, range: [number, number]) => () =>
    mllibObjective({ ...sums, confidence: 3, range }, { unobservedWeight, l2Vector });
  expect(of(0, [1, 1])).toThrow(/unobserved pairs always have a weight/);
  expect(of(0.5, [0.25, 2])).toThrow(UsageError);
  expect(of(0.5, [0.25, 2])).toThrow(/the lowest is 0.25, got 0.5/);
  expect(of(2, [1, 1])).not.toThrow();
});
