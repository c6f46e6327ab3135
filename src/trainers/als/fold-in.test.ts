import { UsageError } from "../../base/errors.js";
import { referenceSolve } from "../../compute/kernels/als/als.reference.js";
import { draw } from "../../base/numeric/random.js";
import { foldInImplicit, otherSide } from "./fold-in.js";

const [dim, numOthers] = [6, 40];
const vectors = Float32Array.from({ length: numOthers * dim }, (_, i) => draw(1, i) / 2 ** 31 - 1);
const options = { unobservedWeight: 0.2, l2Vector: 0.03, l2Exponent: 0.7 };

test("a folded row is the one that training's solver gives the same events, to 1e-9", () => {
  const confidences = new Map([
    [3, 1],
    [17, 2.5],
    [39, 0.5],
  ]);
  const W = { dim, data: new Float64Array(dim) };
  const H = { dim, data: Float64Array.from(vectors) };
  const mass = 4 + options.unobservedWeight * numOthers;
  const events = {
    indptr: Uint32Array.of(0, confidences.size),
    indices: Uint32Array.from(confidences.keys()),
    values: Float32Array.from(confidences.values()),
  };
  const penalties = [options.l2Vector * mass ** options.l2Exponent];
  referenceSolve(W, H, events, { unobservedWeight: options.unobservedWeight, penalties, block: dim });
  const folded = foldInImplicit(otherSide(dim, vectors), confidences, options);
  expect(Math.max(...folded.map((x, d) => Math.abs(x - W.data[d]!)))).toBeLessThan(1e-9);
  expect(Math.max(...folded.map(Math.abs))).toBeGreaterThan(0.05);
});

test("without a penalty and a weight of the unobserved one event decides nothing", () => {
  const nothing = { unobservedWeight: 0, l2Vector: 0, l2Exponent: 1 };
  expect(() => foldInImplicit(otherSide(dim, vectors), new Map([[1, 1]]), nothing)).toThrow(UsageError);
});
