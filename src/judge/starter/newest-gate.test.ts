import { cadenceOf, newestGate } from "./newest-gate.js";

const day = 86_400_000;
const start = Date.parse("2026-03-01T23:40:00Z");
const ends = (...days: number[]) => days.map((each) => start + each * day);

test("the cadence is the largest time between the ends of two files", () => {
  expect(cadenceOf(ends(7, 0, 14))).toBe(7 * day);
  expect(cadenceOf(ends(0, 1, 2, 5))).toBe(3 * day);
  // files that end on the same day are parts of one export, so there is no interval
  expect(cadenceOf(ends(0, 0.01, 0.02))).toBeUndefined();
  expect(cadenceOf(ends(0))).toBeUndefined();
});

test.each([
  ["a weekly log of this week", ends(0, 7.02, 13.9), 14.1, "{ maxAge: 7d, minAdvance: 0d }"],
  ["one that lags by ten days", ends(0, 7), 17, "{ maxAge: 14d, minAdvance: 0d }"],
  ["a daily one", ends(0, 1, 2), 2.2, "{ maxAge: 1d, minAdvance: 0d }"],
  ["an hourly one", ends(0, 1 / 24, 2 / 24), 2.5 / 24, "{ maxAge: 1h, minAdvance: 0d }"],
  ["one file", ends(0), 1, "{ maxAge: 7d, minAdvance: 0d }"],
  ["a clock behind the log", ends(0, 7), 0, "{ maxAge: 7d, minAdvance: 0d }"],
])("bounds of %s", (_, newest, now, bounds) => {
  expect(newestGate(newest, start + now * day)).toMatchObject({ bounds });
});

test("an old log has no bound on its age, and a warning says so", () => {
  const { bounds, warning } = newestGate(ends(0, 7), start + 400 * day);
  expect(bounds).toBe("{ minAdvance: 0d } # add maxAge: 7d when the log is live");
  expect(warning).toContain("the newest event is from 2026-03-08");
});
