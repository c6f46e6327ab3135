import { keyAt } from "../log/keys.js";
import { parseTime } from "../log/time.js";
import { planTimeFields } from "./time-fields.js";

function keysOf(text: string, timeZone = "Z"): string[] {
  const roles = { time: "at", fields: [], numeric: [], multi: {} };
  const plan = planTimeFields(roles, ["at"], { timeFields: ["hour", "dow", "day", "month"], timeZone });
  const column = { kind: "number" as const, name: "at", values: Float64Array.of(parseTime(text)) };
  return plan([column]).map(({ codes, dictionary }) => keyAt(dictionary, codes[0]!));
}

test.each([
  ["1970-01-01T00:00", "Z", ["0", "thu", "1", "1"]],
  ["2024-02-29T23:59:59.999", "Z", ["23", "thu", "29", "2"]],
  ["1969-12-31T23:59:59", "Z", ["23", "wed", "31", "12"]],
  ["1900-03-01T05:00", "Z", ["5", "thu", "1", "3"]],
  // the local time in the zone, not UTC, determines the day
  ["2024-12-31T23:30", "+02:00", ["1", "wed", "1", "1"]],
  ["2024-03-04T00:10", "-0530", ["18", "sun", "3", "3"]],
])("%s in zone %s", (text, zone, expected) => expect(keysOf(text, zone)).toEqual(expected));

test("every day of some years has the weekday, day and month of the calendar", () => {
  const names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
  for (let day = -3000; day < 25_000; day += 7) {
    const date = new Date(day * 86_400_000 + 3_600_000);
    const expected = ["1", names[date.getUTCDay()], `${date.getUTCDate()}`, `${date.getUTCMonth() + 1}`];
    expect(keysOf(date.toISOString())).toEqual(expected);
  }
});

test("what cannot be is said", () => {
  const roles = () => ({ time: "at", fields: [], numeric: [], multi: {} });
  const { time: _, ...timeless } = roles();
  const hour = { timeFields: ["hour"] };
  expect(() => planTimeFields(roles(), ["at"], { timeFields: ["hours"] })).toThrow("did you mean 'hour'");
  expect(() => planTimeFields(roles(), ["at", "hour"], hour)).toThrow(
    "creates a column 'hour', but the log already has one",
  );
  expect(() => planTimeFields(timeless, ["at"], hour)).toThrow("--time");
  expect(() => planTimeFields(roles(), ["at"], { ...hour, timeZone: "CET" })).toThrow("+02:00");
});
