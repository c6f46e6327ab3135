import { gammaDraw, normalCdf, normalDraw } from "./normal.js";
import { tailDraw, tailMean } from "./normal-tail.reference.js";
import { draw } from "./random.js";

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
const draws = (count: number, one: (key: number) => number) =>
  Array.from({ length: count }, (_, i) => one(draw(17, i)));

test.each([
  // The expected values have 16 digits, from Python's math.erfc(-x / sqrt(2)) / 2.
  [0, 0.5],
  [0.5, 0.6914624612740131],
  [-0.5, 0.3085375387259869],
  [1.96, 0.9750021048517795],
  [-3, 0.0013498980316300957],
  [-5.6, 1.0717590258310887e-8],
  [-8, 6.220960574271819e-16],
  [-20, 2.7536241186062337e-89],
] as const)("normalCdf(%d) is right to a relative 1e-13", (x, expected) => {
  expect(Math.abs(normalCdf(x) / expected - 1)).toBeLessThan(1e-13);
});

test("normalCdf never decreases, and its two tails add up to 1 to 1e-15", () => {
  const grid = Array.from({ length: 8001 }, (_, i) => (i - 4000) / 100);
  const values = grid.map(normalCdf);
  expect(Math.min(...values.slice(1).map((p, i) => p - values[i]!))).toBeGreaterThanOrEqual(0);
  expect(Math.max(...grid.map((x, i) => Math.abs(values[i]! + normalCdf(-x) - 1)))).toBeLessThan(1e-15);
});

test("100,000 normal draws have the moments and the distribution of N(0, 1), within four standard errors", () => {
  const n = 100_000;
  const values = draws(n, normalDraw);
  const moments = [1, 2, 3, 4].map((power) => mean(values.map((x) => x ** power)));
  const errors = [1, 2, 15, 96].map((variance) => 4 * Math.sqrt(variance / n));
  [0, 1, 0, 3].forEach((expected, i) => {
    expect(Math.abs(moments[i]! - expected)).toBeLessThan(errors[i]!);
  });
  // Kolmogorov-Smirnov test: random samples exceed 1.95 / sqrt(n) with probability 0.001.
  const sorted = values.sort((a, b) => a - b);
  const distance = Math.max(...sorted.map((x, i) => Math.abs((i + 0.5) / n - normalCdf(x))));
  expect(distance).toBeLessThan(1.95 / Math.sqrt(n));
});

test.each([-3, -0.5, 0, 0.7, 4, 12])("tail draws beyond %d are beyond it and have its mean", (left) => {
  const n = 20_000;
  const values = draws(n, (key) => tailDraw(key, left));
  expect(Math.min(...values)).toBeGreaterThan(left);
  // The variance of a truncated normal is at most 1, and close to 1 / left^2 for large left.
  const error = 4 * Math.sqrt(Math.min(1, left > 1 ? 1 / left ** 2 : 1) / n);
  expect(Math.abs(mean(values) - tailMean(left))).toBeLessThan(error);
});

test("tailMean far out is the start of its asymptotic series", () => {
  expect(tailMean(30)).toBeCloseTo(30 + 1 / 30 - 2 / 30 ** 3, 5);
  expect(tailMean(-30)).toBeCloseTo(0, 12);
});

test.each([
  [1, 0.5],
  [7.5, 3],
  [50_000, 40_000],
])("gamma draws of shape %d and rate %d have its mean and variance", (shape, rate) => {
  const n = 20_000;
  const values = draws(n, (key) => gammaDraw(key, shape, rate));
  const variance = shape / rate ** 2;
  const average = mean(values);
  expect(Math.abs(average - shape / rate)).toBeLessThan(4 * Math.sqrt(variance / n));
  const got = mean(values.map((x) => (x - average) ** 2));
  // The fourth central moment of a gamma distribution is (3 + 6 / shape) variance^2.
  expect(Math.abs(got / variance - 1)).toBeLessThan(4 * Math.sqrt((2 + 6 / shape) / n));
});
