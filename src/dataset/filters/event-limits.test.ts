import { keyAt } from "../../log/keys.js";
import { datasetOf } from "../../testing/dataset-of.js";
import type { Dataset, KeyColumn } from "../dataset.js";
import { runSteps, stepNotes } from "../steps.js";
import { eventLimitSteps, type EventLimits } from "./event-limits.js";

const DAY = 86_400_000;
const dataset = datasetOf(
  {
    who: ["u", "v", "u", "", "u", "v"],
    what: ["a", "b", "c", "d", "e", "f"],
    when: [5, 1, 5, 2, 3, 4].map((day) => day * DAY),
    genres: ["x|y", "x", "", "y", "x", "y"],
    price: [0, 1, 2, 3, 4, 5],
  },
  { user: "who", time: "when", fields: ["who", "what"], multi: { genres: "|" }, numeric: ["price"] },
);

const limitEvents = (of: Dataset, limits: EventLimits) => {
  const steps = [{ step: "read", before: of.numRows, after: of.numRows }];
  return runSteps({ dataset: of, steps, warnings: [] }, eventLimitSteps(limits));
};

function kept(limits: EventLimits, of = dataset): string {
  const limited = limitEvents(of, limits).dataset;
  const what = limited.columns.find(({ name }) => name === "what") as KeyColumn;
  return Array.from(what.codes, (code) => keyAt(what.dictionary, code)).join("");
}

test("a span is counted back from the log's newest event, its edge included; a date is a date", () => {
  expect(["2d", "48h", "1.5d", "1w", "1970-01-04"].map((since) => kept({ since }))).toEqual([
    "acef",
    "acef",
    "acf",
    "abcdef",
    "acef",
  ]);
});

test("a user's latest events stay: by time, then by row; without a time the last rows; nobody's events all", () => {
  expect([1, 2, 3].map((maxEventsPerUser) => kept({ maxEventsPerUser }))).toEqual(["cdf", "abcdf", "abcdef"]);
  const { time: _, ...timeless } = dataset.roles;
  expect(kept({ maxEventsPerUser: 1 }, { ...dataset, roles: timeless })).toBe("def");
});

test("--keep-events spread keeps every so-manieth event of a user by time, the latest among them", () => {
  const days = Array.from({ length: 10 }, (_, i) => i);
  const log = datasetOf(
    {
      who: [...days.map(() => "bot"), "u"],
      what: [...days.map((day) => "abcdefghij"[day]!), "z"],
      // The log has its rows in reverse order of time.
      when: [...days.map((day) => (9 - day) * DAY), 0],
    },
    { user: "who", time: "when", fields: ["who", "what"] },
  );
  const spread = (maxEventsPerUser: number) => kept({ maxEventsPerUser, keepEvents: "spread" }, log);
  expect([1, 2, 3, 5, 10].map(spread)).toEqual(["az", "afz", "adgz", "acegiz", "abcdefghijz"]);
  expect(kept({ maxEventsPerUser: 3 }, log)).toBe("abcz");
});

test("every column is cut alike, and what was left out is said", () => {
  const { dataset: limited, steps } = limitEvents(dataset, { since: "3d", maxEventsPerUser: 2 });
  expect(limited.numRows).toBe(4);
  const cells = (of: Dataset, name: string) => {
    const column = of.columns.find((candidate) => candidate.name === name)!;
    return Array.from<number>(column.kind === "number" ? column.values : column.codes);
  };
  for (const { name } of dataset.columns) {
    const whole = cells(dataset, name);
    expect(cells(limited, name)).toEqual([0, 2, 3, 5].map((row) => whole[row]));
  }
  expect(stepNotes(steps)).toEqual([
    "1 row excluded by --since 3d",
    "1 row excluded by --max-events-per-user 2",
  ]);
});

test("limits without their column, of no meaning, or that leave nothing are refused", () => {
  const plain = datasetOf({ what: ["a"] });
  expect(() => limitEvents(plain, { since: "1d" })).toThrow("--time");
  expect(() => limitEvents(plain, { maxEventsPerUser: 1 })).toThrow("--user");
  expect(() => limitEvents(dataset, { since: "90" })).toThrow(
    "a duration such as 90d (h, d, w) or a date, got '90'",
  );
  expect(() => limitEvents(dataset, { since: "soon" })).toThrow("got 'soon'");
  expect(() => limitEvents(dataset, { since: "1980-01-01" })).toThrow(
    "--since 1980-01-01 excludes all 6 events",
  );
});
