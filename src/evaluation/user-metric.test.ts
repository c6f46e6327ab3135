import { goodness } from "./user-metric.js";

test.each(["logLoss", "multiLogLoss", "multiError", "pairLoss", "rmse"])("less %s is better", (name) => {
  expect(goodness(name, 1)).toBeGreaterThan(goodness(name, 2)!);
});

test.each(["auc", "edgeAuc", "recallAt20"])("more %s is better", (name) => {
  expect(goodness(name, 1)).toBeLessThan(goodness(name, 2)!);
});

test("calibration is best at 1, and a description has no better", () => {
  expect(goodness("calibration", 1)).toBeGreaterThan(goodness("calibration", 1.1)!);
  expect(goodness("calibration", 1)).toBeGreaterThan(goodness("calibration", 0.9)!);
  expect(goodness("popularityAt20", 1)).toBeUndefined();
});
