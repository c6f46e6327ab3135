import { logistic } from "../base/numeric/exp.js";
import { draw } from "../base/numeric/random.js";
import { metricsOf } from "./metrics.js";
import { calibrationCurve, scoredMetrics, type Units } from "./scored-metrics.js";
import { valueOf } from "./user-metric.js";

const f64 = (...x: number[]) => Float64Array.from(x);
const f32 = (...x: number[]) => Float32Array.from(x);
const users = (...of: number[]): Units => ({
  kind: "user",
  size: Math.max(...of) + 1,
  of: Uint32Array.from(of),
});

test("userAuc, hand-worked: weighted by events, ties half, a user of one class left out and counted", () => {
  // User 0 has 3 rows, whose positive is above one negative and tied with the other: 3/4. User 1 has 2 rows in the
  // wrong order: 0. User 2 has no negative.
  const { metrics, oneClassUsers } = scoredMetrics(
    "binary",
    f64(2, 1, 2, 0, 5, 9),
    f32(1, 0, 0, 1, 0, 1),
    users(0, 0, 0, 1, 1, 2),
    { bins: 2 },
  );
  expect(metrics["userAuc"]).toBeCloseTo((3 * 0.75) / 5, 12);
  expect(oneClassUsers).toBe(1);
});

test("what users add up to are the metrics of all rows, weights included", () => {
  const n = 500;
  const scores = Float64Array.from({ length: n }, (_, i) => (draw(1, i) / 2 ** 31 - 1) * 3);
  const labels = Float32Array.from({ length: n }, (_, i) => draw(2, i) % 2);
  const weights = Float32Array.from({ length: n }, (_, i) => 1 + (draw(3, i) % 4));
  const units = users(...Array.from({ length: n }, (_, i) => draw(4, i) % 30));
  for (const task of ["binary", "regression"] as const) {
    const options = { weights, clip: [-1, 1] as const };
    const { byUser } = scoredMetrics(task, scores, labels, units, { ...options, bins: 10 });
    const all = metricsOf(task, scores, labels, options);
    expect(byUser.length).toBeGreaterThan(1);
    for (const metric of byUser) {
      if (metric.name !== "userAuc") expect(valueOf(metric)).toBeCloseTo(all[metric.name]!, 10);
    }
  }
});

test("rows without users have no userAuc", () => {
  const units: Units = { kind: "row", size: 2, of: Uint32Array.of(0, 1) };
  expect(scoredMetrics("binary", f64(1, 0), f32(1, 0), units, { bins: 2 }).metrics).not.toHaveProperty(
    "userAuc",
  );
});

describe("the calibration curve", () => {
  test("has bins of equal counts by ascending score, worked out by hand", () => {
    const curve = calibrationCurve(f64(3, -3, 1, -1), f32(1, 0, 0, 1), 2);
    expect(curve.map(({ rows, observed }) => [rows, observed])).toEqual([
      [2, 0.5],
      [2, 0.5],
    ]);
    expect(curve[0]!.predicted).toBeCloseTo((logistic(-3) + logistic(-1)) / 2, 14);
  });

  test("does not part rows of one score, and loses none", () => {
    const curve = calibrationCurve(f64(1, 1, 1, 1, 1, 2), f32(1, 0, 0, 0, 0, 1), 3);
    expect(curve.map(({ rows, observed }) => [rows, observed])).toEqual([
      [5, 0.2],
      [1, 1],
    ]);
    expect(calibrationCurve(f64(), f32(), 3)).toEqual([]);
  });
});
