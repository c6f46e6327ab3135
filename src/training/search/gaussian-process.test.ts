import { between, mulberry32 } from "../../testing/random.js";
import { fitImprovement } from "./gaussian-process.js";

test("nothing is expected at the best point, more beside it on the side where values rise, and most far from all points", () => {
  const expected = fitImprovement([[-1], [-0.5], [0]], [0, 0.5, 1]);
  expect(expected([0])).toBeLessThan(0.25 * expected([0.3]));
  expect(expected([0.3])).toBeGreaterThan(5 * expected([-0.7]));
});

test("a point that failed, equal values, and a single point leave it finite", () => {
  for (const values of [[1], [2, 2, 2], [1, -Infinity, 2], [-Infinity, -Infinity]]) {
    const points = values.map((_, i) => [i / 4, 0]);
    expect(fitImprovement(points, values)([0.1, 0.3])).toBeGreaterThan(0);
  }
  const values = [1, 1.1, -Infinity];
  const expected = fitImprovement([[-0.5], [0], [0.5]], values);
  expect(expected([-0.2])).toBeGreaterThan(expected([0.45]));
});

test("finds the best of two coordinates among five better than as many random points", () => {
  const value = (x: readonly number[]) => -((x[0]! - 0.6) ** 2) - (x[3]! + 0.4) ** 2;
  const point = (random: () => number) => Array.from({ length: 5 }, () => between(-1, 1, random));
  const regrets = { chosen: 0, random: 0 };
  for (let seed = 1; seed <= 10; seed++) {
    const random = mulberry32(seed);
    const points = Array.from({ length: 5 }, () => point(random));
    const others = [...points, ...Array.from({ length: 15 }, () => point(random))];
    while (points.length < 20) {
      const expected = fitImprovement(points, points.map(value));
      const candidates = Array.from({ length: 200 }, () => point(random));
      const gains = candidates.map(expected);
      points.push(candidates[gains.indexOf(Math.max(...gains))]!);
    }
    regrets.chosen -= Math.max(...points.map(value));
    regrets.random -= Math.max(...others.map(value));
  }
  expect(regrets.chosen).toBeLessThan(0.4 * regrets.random);
});
