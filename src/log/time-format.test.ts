import { timeParser } from "./time.js";

const iso = (format: string, text: string): string | undefined => {
  const time = timeParser(format)(text);
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
};

test.each([
  ["%d/%m/%Y %H:%M", "1/2/2010  8:05", "2010-02-01T08:05:00.000Z"],
  ["%m/%d/%y", "12/01/68", "2068-12-01T00:00:00.000Z"],
  ["%m/%d/%y", "12/01/69", "1969-12-01T00:00:00.000Z"],
  ["%Y%m%d%H%M%S", "20101201082603", "2010-12-01T08:26:03.000Z"],
  ["%d %b %Y", "7 MARCH 2011", "2011-03-07T00:00:00.000Z"],
  ["%b %d, %Y %I:%M %p", "Mar 07, 2011 12:30 am", "2011-03-07T00:30:00.000Z"],
  ["%b %d, %Y %I:%M %p", "Mar 07, 2011 12:30 PM", "2011-03-07T12:30:00.000Z"],
  ["%d/%b/%Y:%H:%M:%S %z", "10/Oct/2000:13:55:36 -0700", "2000-10-10T20:55:36.000Z"],
  ["%Y-%m-%d %H:%M:%S.%f%z", "2010-12-01 00:00:00.25+02:00", "2010-11-30T22:00:00.250Z"],
  ["%d.%m.%Y (100%%)", "01.12.2010 (100%)", "2010-12-01T00:00:00.000Z"],
])("%s reads %s as %s", (format, text, expected) => {
  expect(iso(format, text)).toBe(expected);
});

test.each([
  ["%d/%m/%Y", "30/02/2010"],
  ["%d/%m/%Y", "12/13/2010"],
  ["%d/%m/%Y", "1/2/2010 x"],
  ["%d.%m.%Y", "01x12x2010"],
  ["%d %b %Y", "7 Marc 2011"],
  ["%d/%m/%Y %I %p", "1/2/2010 13 PM"],
  ["%d/%m/%Y %H", "1/2/2010 24"],
  ["%d/%m/%Y", "1291161600"],
])("%s finds no time in %s", (format, text) => {
  expect(iso(format, text)).toBeUndefined();
});
