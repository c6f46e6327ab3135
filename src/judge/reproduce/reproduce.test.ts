// Maximum difference of metrics between two trainings on a server.

import { areClose, ENGINE_BOUND } from "./reproduce.js";

const metrics = { test: { recallAt20: 0.15, ndcgAt20: 0.12 } };
const other = (recallAt20: number) => ({ test: { ...metrics.test, recallAt20 } });

test("metrics within the bound are close, and those beyond it, missing or of another kind are not", () => {
  expect(areClose(metrics, other(0.15 + 0.9 * ENGINE_BOUND))).toBe(true);
  expect(areClose(metrics, other(0.15 - 1.1 * ENGINE_BOUND))).toBe(false);
  expect(areClose(metrics, other(NaN))).toBe(false);
  expect(areClose(metrics, { test: { recallAt20: 0.15 } })).toBe(false);
  expect(areClose({}, metrics)).toBe(false);
  expect(areClose([{ epoch: 6, best: true }], [{ epoch: 6, best: false }])).toBe(false);
  expect(areClose([{ epoch: 6, best: true }], [{ epoch: 6, best: true }])).toBe(true);
});
