import { MISSING } from "../../log/keys.js";
import { exp, log } from "../../base/numeric/exp.js";
import { heldOutEdges } from "./learn.js";

const how = { negatives: 5, seed: 1, directed: true };
const uniform = Float64Array.of(0.25, 0.25, 0.25, 0.25);
const edges = { sources: Uint32Array.of(0, 1, 2), targets: Uint32Array.of(1, 2, 3) };
const zeros = { dim: 2, vectors: new Float32Array(8), contexts: new Float32Array(8) };

test("knowing nothing costs log 2 for the edge and for each of its negatives", () => {
  expect(heldOutEdges(edges, uniform, how)!.of(zeros)).toBeCloseTo(6 * Math.LN2, 10);
  expect(heldOutEdges(edges, uniform, { ...how, directed: false })!.of(zeros)).toBeCloseTo(6 * Math.LN2, 10);
});

test("an edge and its noise cost -log σ of their scores, by weight, each the same whenever it is asked", () => {
  // every noise sample is node 3
  const noise = Float64Array.of(0, 0, 0, 1);
  const vectors = Float32Array.of(1, 0, 2, 0, 0, 0, 0, 0);
  const contexts = Float32Array.of(0, 0, 3, 0, 0, 1, -1, 0);
  const softplus = (x: number) => log(1 + exp(x));
  // edge 0 → 1 has score 3 and edge 1 → 2 score 0; against the noise, node 3, their sources have scores -1 and -2
  const [first, second] = [softplus(-3) + 5 * softplus(-1), softplus(0) + 5 * softplus(-2)];
  const two = {
    sources: Uint32Array.of(0, 1),
    targets: Uint32Array.of(1, 2),
    weights: Float32Array.of(3, 1),
  };
  const lossOf = heldOutEdges(two, noise, how)!;
  const evaluated = { dim: 2, vectors, contexts };
  expect(lossOf.of(evaluated)).toBeCloseTo((3 * first + second) / 4, 10);
  expect(lossOf.of(evaluated)).toBe(lossOf.of(evaluated));
});

test("edges without two known ends, and self-loops, are not looked at", () => {
  const odd = { sources: Uint32Array.of(0, MISSING, 2), targets: Uint32Array.of(MISSING, 1, 2) };
  expect(heldOutEdges(odd, uniform, how)).toBeUndefined();
  const one = { sources: Uint32Array.of(0, ...odd.sources), targets: Uint32Array.of(1, ...odd.targets) };
  expect(heldOutEdges(one, uniform, how)!.of(zeros)).toBeCloseTo(6 * Math.LN2, 10);
});
