import * as fc from "fast-check";
import { parseTime, timeOfNumber } from "./time.js";

describe("parseTime", () => {
  test.each([
    ["2010-12-01", "2010-12-01T00:00:00.000Z"],
    ["2010-12-01 08:26", "2010-12-01T08:26:00.000Z"],
    ["2010-12-01 08:26:07", "2010-12-01T08:26:07.000Z"],
    ["2010-12-01T08:26:07Z", "2010-12-01T08:26:07.000Z"],
    ["2010-12-01T08:26:07.5z", "2010-12-01T08:26:07.500Z"],
    ["2010-12-01T08:26:07,123456789+02:00", "2010-12-01T06:26:07.123Z"],
    ["2010-12-31 23:30:00 -0130", "2011-01-01T01:00:00.000Z"],
    ["2010-12-01T08:26:07+09", "2010-11-30T23:26:07.000Z"],
    [" 2012-02-29 ", "2012-02-29T00:00:00.000Z"],
    ["2000-02-29", "2000-02-29T00:00:00.000Z"],
    ["0050-01-01", "0050-01-01T00:00:00.000Z"],
  ])("reads %s as %s", (text, iso) => {
    expect(Math.floor(parseTime(text))).toBe(new Date(iso).getTime());
  });

  test("tells seconds, milliseconds, microseconds and nanoseconds apart by their magnitude", () => {
    const texts = ["1365029107", "1365029107.0", "1365029107000", "1365029107000000", "1365029107000000000"];
    expect(texts.map(parseTime)).toEqual(texts.map(() => 1365029107000));
    expect(parseTime("-86400")).toBe(-86400000);
  });

  test("does not depend on the machine's time zone", () => {
    expect(parseTime("2010-07-01 00:00")).toBe(Date.UTC(2010, 6, 1));
  });

  test.each([
    "",
    " ",
    "2010-02-30",
    "1900-02-29",
    "2010-13-01",
    "2010-00-10",
    "2010-01-00",
    "2010-12-01 24:00",
    "2010-12-01 08:60",
    "2010-12-01T08:26:60",
    "2010-12-01T08:26:07+25:00",
    "2010-12-01T08",
    "12/01/2010",
    "2010-12-1",
    "1e9",
    "0x10",
    "Infinity",
    "NaN",
    "yesterday",
  ])("finds no time in %p", (text) => {
    expect(parseTime(text)).toBeNaN();
  });
});

test("a number's time is that of its text", () => {
  const near = (at: number) => fc.double({ min: at - 1e3, max: at + 1e3, noNaN: true });
  const value = fc.oneof(
    fc.double(),
    fc.integer(),
    near(0),
    near(1e11),
    fc.double({ min: -1e-5, max: 1e-5 }),
  );
  fc.assert(
    fc.property(value, (x) => expect(timeOfNumber(x)).toBe(parseTime(String(x)))),
    { seed: 1, numRuns: 5_000 },
  );
});
