// Expects that the interval of a difference agrees with the bootstrap.

import { integerBelow, mulberry32 } from "../testing/random.js";
import { differenceOf, valueOf, type UserMetric } from "./user-metric.js";

const random = mulberry32(7);
const n = 400;
const draws = (shift: number) => Float64Array.from({ length: n }, () => random() + shift);
const weights = draws(0.5);
const kinds: [string, UserMetric, UserMetric][] = [
  ["means", { name: "a", sums: draws(0.1) }, { name: "a", sums: draws(0) }],
  ["weighted means", { name: "a", sums: draws(0.1), weights }, { name: "a", sums: draws(0), weights }],
  [
    "roots",
    { name: "rmse", sums: draws(0.3), weights, root: true },
    { name: "rmse", sums: draws(0), weights, root: true },
  ],
];

test.each(kinds)("of %s, within a twentieth of 4000 samples", (_, a, b) => {
  const { low, high } = differenceOf(a, b)!;
  const samples = Array.from({ length: 4000 }, () => {
    const times = new Uint32Array(n);
    for (let i = 0; i < n; i++) times[integerBelow(n, random)]!++;
    return valueOf(a, times) - valueOf(b, times);
  });
  const mean = samples.reduce((sum, x) => sum + x, 0) / samples.length;
  const deviation = Math.sqrt(samples.reduce((sum, x) => sum + (x - mean) ** 2, 0) / samples.length);
  expect((high + low) / 2).toBeCloseTo(valueOf(a) - valueOf(b), 10);
  expect((high - low) / 2 / (1.96 * deviation)).toBeGreaterThan(0.95);
  expect((high - low) / 2 / (1.96 * deviation)).toBeLessThan(1.05);
});

test("one unit has no interval", () => {
  const one = { name: "a", sums: Float64Array.of(1) };
  expect(differenceOf(one, one)).toBeUndefined();
});
