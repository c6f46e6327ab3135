import * as fc from "fast-check";
import { timeOrder } from "./time-order.js";

const byComparison = (times: readonly number[]) =>
  times.map((_, i) => i).sort((a, b) => times[a]! - times[b]! || a - b);

test("positions ascend by time, before 1970 too, and equal times keep their order, 0 and -0 among them", () => {
  const times = [5, -3, 0, 1.7e12, -0, -3.5, 5, 1.5e-9, -1.7e12, 0];
  expect([...timeOrder(Float64Array.from(times))]).toEqual(byComparison(times));
  expect([...timeOrder(new Float64Array())]).toEqual([]);
  expect([...timeOrder(Float64Array.of(1, 1, 2))]).toEqual([0, 1, 2]);
});

test("it agrees with a sort by comparison", () => {
  const time = fc.oneof(
    fc.integer({ min: -4, max: 4 }),
    fc.integer({ min: 1_600_000_000_000, max: 1_700_000_000_000 }),
    fc.double({ noNaN: true, min: -1e15, max: 1e15 }),
  );
  fc.assert(
    fc.property(fc.array(time, { maxLength: 60 }), (times) => {
      expect([...timeOrder(Float64Array.from(times))]).toEqual(byComparison(times));
    }),
    { seed: 17 },
  );
});
