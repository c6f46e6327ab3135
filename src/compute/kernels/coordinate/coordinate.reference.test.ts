import {
  referenceCoordinate,
  referenceTarget,
  type Occurrence,
  type Residuals,
} from "./coordinate.reference.js";
import { normalCdf } from "../../../base/numeric/normal.js";
import { draw } from "../../../base/numeric/random.js";

const unit = (key: number, i: number) => draw(key, i) / 2 ** 32;
const numRows = 40;

/**
 * Creates random rows of a factorization machine with one dimension, and a function that computes their residuals by
 * definition.
 */
function machine(key: number) {
  const numFeatures = 8;
  const x = Array.from({ length: numRows }, (_, r) =>
    Array.from({ length: numFeatures }, (__, i) => (unit(key + r, i) < 0.6 ? 2 * unit(key - r, i) - 1 : 0)),
  );
  const y = Array.from({ length: numRows }, (_, r) => 4 * unit(key, 900 + r) - 2);
  const v = Array.from({ length: numFeatures }, (_, i) => unit(key, 500 + i) - 0.5);
  const w = Array.from({ length: numFeatures }, (_, i) => unit(key, 600 + i) - 0.5);
  const residuals = (): Residuals => {
    const q = Float64Array.from(x, (row) => row.reduce((sum, value, i) => sum + value * v[i]!, 0));
    const e = Float64Array.from(x, (row, r) => {
      const linear = row.reduce((sum, value, i) => sum + value * w[i]!, 0);
      const squares = row.reduce((sum, value, i) => sum + (value * v[i]!) ** 2, 0);
      return 0.3 + linear + 0.5 * (q[r]! ** 2 - squares) - y[r]!;
    });
    return { e, q };
  };
  const occurrences = (i: number): Occurrence[] =>
    x.flatMap((row, r) => (row[i] === 0 ? [] : [{ row: r, x: row[i]! }]));
  return { v, w, residuals, occurrences };
}

const prior = { alpha: 1.7, lambda: 0.6, mu: 0.2 };
const maxDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

describe.each(["w", "v"] as const)("a step of %s", (name) => {
  const all = machine(7);
  const parameters = all[name];
  const loss = () =>
    0.5 * prior.alpha * all.residuals().e.reduce((sum, e) => sum + e * e, 0) +
    0.5 * prior.lambda * (parameters[3]! - prior.mu) ** 2;

  test("is at the minimum: the loss's central difference vanishes there to 1e-7, and it was not before", () => {
    const slope = (at: number) => {
      const h = 1e-4;
      const [up, down] = [at + h, at - h].map((value) => {
        parameters[3] = value;
        return loss();
      });
      parameters[3] = at;
      return (up! - down!) / (2 * h);
    };
    const old = parameters[3]!;
    expect(Math.abs(slope(old))).toBeGreaterThan(0.1);
    const now = referenceCoordinate(all.occurrences(3), all.residuals(), old, name === "w", prior, 0);
    expect(Math.abs(slope(now))).toBeLessThan(1e-7);
  });

  test("takes e and q to what their definitions say, to 1e-12", () => {
    const moved = all.residuals();
    parameters[5] = referenceCoordinate(all.occurrences(5), moved, parameters[5]!, name === "w", prior, 99);
    const expected = all.residuals();
    expect(maxDifference(moved.e, expected.e)).toBeLessThan(1e-12);
    if (name === "v") expect(maxDifference(moved.q, expected.q)).toBeLessThan(1e-12);
  });

  test("a chain of draws has the mean and variance of the exact conditional posterior, within four standard errors", () => {
    const residuals = all.residuals();
    const n = 20_000;
    const draws: number[] = [];
    for (let i = 0; i < n; i++) {
      const last = draws.at(-1) ?? parameters[1]!;
      const key = draw(3, i) || 1;
      draws.push(referenceCoordinate(all.occurrences(1), residuals, last, name === "w", prior, key));
    }
    // computes the posterior of one parameter from its unnormalized density on a grid, without the sampler's formulas
    const old = parameters[1]!;
    const width = 4000;
    const grid = Array.from({ length: width + 1 }, (_, i) => -4 + (8 * i) / width);
    const energies = grid.map((value) => {
      parameters[1] = value;
      const fit = all.residuals().e.reduce((sum, each) => sum + each * each, 0);
      return 0.5 * prior.alpha * fit + 0.5 * prior.lambda * (value - prior.mu) ** 2;
    });
    parameters[1] = old;
    const lowest = Math.min(...energies);
    const density = energies.map((energy) => Math.exp(lowest - energy));
    const total = density.reduce((sum, p) => sum + p, 0);
    const mean = grid.reduce((sum, value, i) => sum + value * density[i]!, 0) / total;
    const variance = grid.reduce((sum, value, i) => sum + (value - mean) ** 2 * density[i]!, 0) / total;

    const gotMean = draws.reduce((sum, value) => sum + value, 0) / n;
    const gotVariance = draws.reduce((sum, value) => sum + (value - gotMean) ** 2, 0) / n;
    expect(Math.abs(gotMean - mean)).toBeLessThan(4 * Math.sqrt(variance / n));
    // the squares of a chain of draws with autocorrelation r are correlated by r^2, r^4, ...: (1 + r^2) / (1 - r^2)
    // draws are worth one independent draw
    const r = -0.8;
    const perDraw = (1 + r * r) / (1 - r * r);
    expect(Math.abs(gotVariance / variance - 1)).toBeLessThan(4 * Math.sqrt((2 * perDraw) / n));

    // consecutive draws lie on opposite sides of the mean, with correlation -0.8
    const products = draws.slice(1).map((value, i) => (value - gotMean) * (draws[i]! - gotMean));
    const correlation = products.reduce((sum, value) => sum + value, 0) / n / gotVariance;
    expect(correlation).toBeCloseTo(r, 1);
  });
});

test("a probit target is on its label's side, and its loss is -log of the label's probability", () => {
  for (let i = 1; i <= 200; i++) {
    const score = 6 * unit(1, i) - 3;
    const label = i % 2;
    const { target, loss } = referenceTarget(score, label, draw(8, i));
    expect(Math.sign(target)).toBe(label === 1 ? 1 : -1);
    const p = normalCdf(score);
    expect(loss).toBeCloseTo(-Math.log(label === 1 ? p : 1 - p), 10);
  }
});
