import { meanInterval } from "./user-metric.js";

test("five measurements have the interval that a textbook's table gives", () => {
  // The standard deviation is sqrt(2.5), and the t quantile with 4 degrees of freedom is 2.776.
  const { mean, low, high } = meanInterval([1, 2, 3, 4, 5]);
  expect([mean, low, high].map((x) => Number(x!.toFixed(3)))).toEqual([3, 1.037, 4.963]);
});

test("equal measurements have an interval of no width, and one measurement has none", () => {
  expect(meanInterval([2, 2, 2])).toEqual({ mean: 2, low: 2, high: 2 });
  expect(meanInterval([7])).toEqual({ mean: 7 });
});

test("more measurements than the table knows take its last line", () => {
  const values = Array.from({ length: 100 }, (_, i) => i % 2);
  const { low, high } = meanInterval(values);
  expect((high! - low!) / 2).toBeCloseTo(2.042 * Math.sqrt(25 / 99 / 100), 12);
});
