import { readFileSync } from "node:fs";
import { bestMetrics } from "./best-metrics.js";
import { clicksFixture, fixtures } from "./fixtures.js";
import { fixture } from "./places.js";
import { groupOf, GROUPS, plantedItems } from "./planted.js";
import { mulberry32, pickWeighted } from "./random.js";
import { csvRows } from "./lines.js";

test.each(Object.keys(fixtures()))("fixtures/%s holds the very bytes that the generator makes", (name) => {
  // compares the buffers as a whole, because a diff of 400 KB of text is not helpful
  const same = Buffer.from(fixtures()[name]!, "utf8").equals(readFileSync(fixture(name)));
  expect({ same, otherwise: "run `npm run fixtures` and commit what it writes" }).toMatchObject({
    same: true,
  });
});

test("the clicks are in order of time and hold every planted item", () => {
  const rows = csvRows(clicksFixture().csv);
  const times = rows.map((row) => Number(row[5]));
  expect(times.every((time, r) => r === 0 || time >= times[r - 1]!)).toBe(true);
  expect(new Set(rows.map((row) => row[2]))).toEqual(new Set(plantedItems()));
  expect(new Set(rows.map((row) => groupOf(row[2]!)))).toEqual(new Set(GROUPS));
});

test("the true probabilities are calibrated and far better than the click rate", () => {
  const { labels, probabilities } = clicksFixture();
  const mean = (values: Iterable<number>): number =>
    Array.from(values).reduce((sum, x) => sum + x, 0) / labels.length;
  expect(Math.abs(mean(probabilities) - mean(labels))).toBeLessThan(0.01);
  const best = bestMetrics(labels, probabilities);
  expect(best.auc).toBeGreaterThan(0.88);
  expect(best.logLoss).toBeLessThan(0.6 * best.priorLogLoss);
});

test("bestMetrics counts a tie as half and knows a perfect order", () => {
  expect(bestMetrics(Uint8Array.of(0, 1, 0, 1), Float64Array.of(0.5, 0.5, 0.5, 0.5)).auc).toBe(0.5);
  expect(bestMetrics(Uint8Array.of(0, 0, 1), Float64Array.of(0.1, 0.2, 0.9)).auc).toBe(1);
  expect(bestMetrics(Uint8Array.of(1, 0), Float64Array.of(0.5, 0.5)).logLoss).toBeCloseTo(Math.LN2, 12);
});

test("mulberry32 gives the published sequence, and pickWeighted follows its weights", () => {
  const random = mulberry32(1);
  const counts = [0, 0, 0];
  for (let i = 0; i < 30_000; i++) counts[pickWeighted([1, 2, 3], random)]!++;
  expect(counts.map((count) => Math.round(count / 1_000))).toEqual([5, 10, 15]);
  expect([...Array(3)].map(mulberry32(0))).toEqual([
    0.26642920868471265, 0.0003297457005828619, 0.2232720274478197,
  ]);
});
