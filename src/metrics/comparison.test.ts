// Tests contenders with repeated measurements: Student's interval of the mean, and of differences on the same repeats.

import { compare, type Measured } from "./comparison.js";
import { meanInterval } from "./user-metric.js";

const contender = (name: string, microF1: number[]): Measured => ({
  name,
  kind: "run",
  byUser: [],
  repeats: { microF1 },
  others: {},
});

test("a metric of repeats is their mean with the t interval, whatever --bootstrap says", () => {
  const [one] = compare([contender("a", [0.5, 0.6, 0.7])], 0, { samples: 0, seed: 1 });
  const { mean, low, high } = meanInterval([0.5, 0.6, 0.7]);
  expect(one!.metrics["microF1"]).toBe(mean);
  expect(one!.intervals["microF1"]).toEqual({ low, high });
});

test("differences are taken repeat by repeat: contenders that vary together are told apart", () => {
  const repeats = [0.5, 0.6, 0.7, 0.4];
  const [best, other] = compare(
    [
      contender("a", repeats),
      contender(
        "b",
        repeats.map((x, i) => x - 0.01 - 0.001 * (i % 2)),
      ),
    ],
    0,
    { samples: 0, seed: 1 },
  );
  expect(best!.bestIn).toEqual(["microF1"]);
  expect(other!.intervals["microF1"]!.high).toBeGreaterThan(best!.metrics["microF1"]!);
  expect(other!.toBest["microF1"]!.high).toBeLessThan(0);
});

test("one repeat has no interval", () => {
  const [one] = compare([contender("a", [0.5])], 0, { samples: 1000, seed: 1 });
  expect([one!.metrics, one!.intervals]).toEqual([{ microF1: 0.5 }, {}]);
});
