// Expects that rows are grouped by file and by day, and that each group has the right measurements.

import type { Dataset } from "../../dataset/dataset.js";
import type { EncodedDataset } from "../../dataset/encoded/read.js";
import { encodeKeys } from "../../log/keys.js";
import { integerBelow, mulberry32 } from "../../testing/random.js";
import { measuredGroups, dayGroups, fileGroups } from "./group-facts.js";

const DAY = 86_400_000;
const start = Date.UTC(2026, 0, 5);

/** Creates a dataset from rows of [day, hour, user, label]. */
function datasetOf(rows: [number, number, number, number][]): Dataset {
  return {
    numRows: rows.length,
    columns: [
      {
        kind: "key",
        name: "user",
        codes: Uint32Array.from(rows, ([, , user]) => user),
        dictionary: encodeKeys(["a", "b", "c", "d"]),
      },
      { kind: "number", name: "label", values: Float64Array.from(rows, ([, , , label]) => label) },
      {
        kind: "number",
        name: "time",
        values: Float64Array.from(rows, ([day, hour]) => start + day * DAY + hour * (DAY / 24)),
      },
    ],
    roles: { user: "user", label: "label", time: "time", fields: [], numeric: [], multi: {} },
    inputs: [],
  };
}

const rows: [number, number, number, number][] = [
  [0, 1, 0, 1],
  [0, 20, 1, 0],
  [2, 2, 0, 0],
  [2, 3, 2, 0],
  [2, 19, 2, 1],
  [3, 5, 3, 1],
];
const newest = start + 3 * DAY + 5 * (DAY / 24);
const daysOf = (dataset: Dataset, before: number) =>
  measuredGroups(dataset, dayGroups(dataset, newest, before)!, undefined).map(
    ({ name, isNew, isWhole, facts }) => ({ name, isNew, isWhole, ...facts }),
  );

test("days are those of the log, with those between that have no event", () => {
  const found = daysOf(datasetOf(rows), start + DAY - 1);
  expect(found.map(({ name, isNew, isWhole, rows: n }) => [name, isNew, isWhole, n])).toEqual([
    ["2026-01-05", true, true, 2],
    ["2026-01-06", true, true, 0],
    ["2026-01-07", true, true, 3],
    // the last day may be incomplete, so isWhole is false
    ["2026-01-08", true, false, 1],
  ]);
  expect(found[2]).toMatchObject({
    users: 2,
    positiveRate: 1 / 3,
    labelSpread: expect.closeTo(Math.sqrt(2) / 3, 12) as number,
    // user 2 is new on this day, and occurs in two of its three rows
    unseenUsers: 2 / 3,
    unseenItems: undefined,
  });
  // the share of new users is undefined for the first day, on which every user is new, and for a day without rows
  expect(found.map(({ unseenUsers }) => unseenUsers)).toEqual([undefined, undefined, 2 / 3, 1]);
});

test("a day is new if it ends after the last version's newest event, though that was on it", () => {
  const isNew = (before: number) => daysOf(datasetOf(rows), before).map((day) => day.isNew);
  expect(isNew(start + 2 * DAY)).toEqual([false, false, true, true]);
  expect(isNew(start + 3 * DAY)).toEqual([false, false, false, true]);
});

test("rows in any order, times that are missing or wrong among them, give the same days", () => {
  const random = mulberry32(3);
  const sorted = daysOf(datasetOf(rows), start);
  for (let trial = 0; trial < 20; trial++) {
    const shuffled = rows
      .map((row) => ({ row, at: integerBelow(1000, random) }))
      .sort((a, b) => a.at - b.at)
      .map(({ row }) => row);
    const odd: typeof rows = [[NaN, 0, 3, 1], ...shuffled, [-700_000, 0, 3, 1]];
    for (const others of [shuffled, odd])
      expect(daysOf(datasetOf(others), start)).toEqual(
        sorted.map((day) => ({
          ...day,
          labelSpread:
            day.labelSpread === undefined ? undefined : (expect.closeTo(day.labelSpread, 12) as number),
        })),
      );
  }
});

describe("files", () => {
  const encoded = (names: string[], fileRows: number[], dataset = datasetOf(rows)) =>
    ({
      dataset,
      description: {
        fileRows,
        inputs: names.map((name) => ({ path: `${name}.csv`, bytes: 1, sha256: name })),
      },
    }) as unknown as EncodedDataset;
  const before = [{ path: "a.csv", bytes: 1, sha256: "a" }];

  test("that are new come last, and of two with the bytes of one that was there the second is new", () => {
    const { groups } = fileGroups(encoded(["0", "a", "a"], [1, 2, 3]), before)!;
    expect(groups.map(({ name, isNew, start: from, end }) => [name, isNew, from, end])).toEqual([
      ["a.csv", false, 1, 3],
      ["0.csv", true, 0, 1],
      ["a.csv", true, 3, 6],
    ]);
  });

  test("with the same rows in another order have one digest, and with other rows they have not", () => {
    const twice: typeof rows = [...rows, ...rows.toReversed(), ...rows.with(0, [0, 1, 1, 1])];
    const groups = fileGroups(encoded(["a", "b", "c"], [6, 6, 6], datasetOf(twice)), before)!;
    const [a, b, c] = measuredGroups(datasetOf(twice), groups, undefined).map(({ digest }) => digest);
    expect(b).toBe(a);
    expect(c).not.toBe(a);
  });

  test("whose rows are not stated, or not all, are not measured", () => {
    expect(fileGroups(encoded(["a"], [5]), before)).toBeUndefined();
  });
});
