import { datasetOf } from "../../testing/dataset-of.js";
import type { SplitParts } from "../reading/split-parts.js";
import { capWarnings, userShareWarnings } from "./training-warnings.js";

/** Splits rows of users u0 .. u39 in turn, followed by rows of a bot. */
function cut(numRows: number, ofBot: number, validFrom: number, testFrom: number): SplitParts["parts"] {
  const who = Array.from({ length: numRows }, (_, row) => `u${row % 40}`);
  const dataset = datasetOf({ who: [...who, ...Array<string>(ofBot).fill("bot")] }, { user: "who" });
  const rows = Uint32Array.from({ length: numRows + ofBot }, (_, row) => row);
  const part = (from: number, to?: number) => ({ dataset, rows: rows.slice(from, to) });
  return { train: part(0, validFrom), valid: part(validFrom, testFrom), test: part(testFrom) };
}

test("a user who makes up much of a split is named with the share, and nobody else", () => {
  expect(userShareWarnings(cut(800, 100, 600, 700))).toEqual([
    "user 'bot' makes up 50.0 % of the test split: if it is a bot or a test account, leave it out with " +
      "--drop-users-above N or --drop-users-above-per-day N (embed inspect shows the most frequent users)",
  ]);
  expect(userShareWarnings(cut(800, 20, 600, 700))).toEqual([]);
  // Five users have a fifth of the rows each, so that no share is far above the average.
  const few = datasetOf({ who: Array.from({ length: 500 }, (_, row) => `u${row % 5}`) }, { user: "who" });
  const train = { dataset: few, rows: Uint32Array.from({ length: 500 }, (_, row) => row) };
  expect(userShareWarnings({ train, valid: undefined, test: undefined })).toEqual([]);
});

test("a cap that leaves the events of users above it to the held-out splits is warned of", () => {
  const parts = cut(800, 100, 600, 700);
  expect(capWarnings(parts, { maxEventsPerUser: 100 })).toEqual([
    "--max-events-per-user 100 keeps the latest events: 100.0 % of those of the 1 user with so many are held out " +
      "(other users: 25.0 %). --keep-events spread keeps events of all times; --drop-users-above leaves users such " +
      "as bots out",
  ]);
  expect(capWarnings(parts, { maxEventsPerUser: 100, keepEvents: "spread" })).toEqual([]);
  expect(capWarnings(parts, {})).toEqual([]);
  expect(capWarnings(cut(800, 0, 600, 700), { maxEventsPerUser: 20 })).toEqual([]);
});
