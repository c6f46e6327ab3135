// Converts times in cells to milliseconds since 1970 in UTC.
//
// Accepted: unix time in seconds, milliseconds, microseconds or nanoseconds, distinguished by magnitude; ISO 8601 dates
// and date-times (`T` or one space between them, seconds and fraction optional, then Z, an offset or nothing). A
// date-time without a zone is read as UTC, so a log gives the same times on any machine.

import { UsageError } from "../base/errors.js";

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;
const UNIX = /^[+-]?\d+(?:\.\d*)?$/;

/**
 * Returns the time of a cell in milliseconds since 1970 in UTC; NaN for text that is not a time, and for an invalid
 * date such as 2010-02-30.
 */
export function parseTime(text: string): number {
  const trimmed = text.trim();
  if (UNIX.test(trimmed)) return unixTime(Number(trimmed));
  const match = ISO.exec(trimmed);
  if (!match) return NaN;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", zone = "Z"] = match;
  return millisecondsOf({
    year: Number(year),
    month: Number(month),
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    fraction,
    zone: zoneMinutes(zone),
  });
}

/** Returns the result of parseTime for the text of a number, without creating the text. */
export function timeOfNumber(value: number): number {
  const size = Math.abs(value);
  // very small and very large numbers have a text with an exponent, and -0 has a sign, so their text is parsed
  return size >= 1e-6 && size < 1e21 ? unixTime(value) : parseTime(String(value));
}

/** `fraction`: digits after the decimal point of the seconds; `zone`: minutes east of UTC */
interface TimeParts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  fraction: string;
  zone: number;
}

/** Converts components to milliseconds since 1970 in UTC; NaN if the time does not exist. */
function millisecondsOf({ year, month, day, hour, minute, second, fraction, zone }: TimeParts): number {
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month))) return NaN;
  // ISO 8601 also allows 24:00 and leap seconds, which logs hardly ever contain
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return NaN;
  const date = new Date(0);
  // Date.UTC would read the years 0 to 99 as 1900 to 1999
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute - zone, second, 0);
  return date.getTime() + Number(`0.${fraction}0`) * 1000;
}

/**
 * Converts Unix time of any unit to milliseconds. 1e11 seconds are the year 5138, so larger numbers have a finer unit.
 * Milliseconds (from 1973 on), microseconds and nanoseconds are distinguished by thresholds a factor of 1000 apart.
 */
function unixTime(value: number): number {
  const size = Math.abs(value);
  if (size < 1e11) return value * 1000;
  if (size < 1e14) return value;
  if (size < 1e17) return value / 1e3;
  if (size < 1e20) return value / 1e6;
  return NaN;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Returns the offset of a time zone in minutes east of UTC; NaN if it exceeds a day. */
function zoneMinutes(zone: string): number {
  if (/^z$/i.test(zone)) return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(":", "") || "0");
  if (hours > 23 || minutes > 59) return NaN;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
}

// A user's format (--time-format) is a pattern of the strptime directives that logs need.
//
//   %Y year, 4 digits   %y 2 digits (69 to 99 are 1969 to 1999)   %m month   %b its English name
//   %d day   %H hour   %I hour of 12   %p AM or PM   %M minute   %S second   %f fraction, 1 to 9 digits
//   %z Z or +02:00   %% a %
//
// A number may lack its leading zero; a blank matches one or several. Without %z a time is UTC. Alternatives are
// separated by |, and `iso` accepts Unix time and ISO 8601.

const MONTHS = "january february march april may june july august september october november december".split(
  " ",
);

/** By the letter of a directive: the name of its group in the regular expression, and the group's pattern. */
const DIRECTIVES: Record<string, [name: string, pattern: string]> = {
  Y: ["year", String.raw`\d{4}`],
  y: ["shortYear", String.raw`\d{2}`],
  m: ["month", String.raw`\d{1,2}`],
  b: ["monthName", "[a-z]+"],
  d: ["day", String.raw`\d{1,2}`],
  H: ["hour", String.raw`\d{1,2}`],
  I: ["hourOf12", String.raw`\d{1,2}`],
  p: ["half", "[ap]m"],
  M: ["minute", String.raw`\d{1,2}`],
  S: ["second", String.raw`\d{1,2}`],
  f: ["fraction", String.raw`\d{1,9}`],
  z: ["zone", String.raw`z|[+-]\d{2}(?::?\d{2})?`],
};

/** Converts the text of a cell to milliseconds since 1970 in UTC, or NaN if it is not a time. */
export type TimeParser = (text: string) => number;

/** Returns the parser of a format; without a format, parseTime. @throws {UsageError} the format has no date */
export function timeParser(format: string | undefined): TimeParser {
  if (format === undefined) return parseTime;
  const formats = formatsOf(format);
  if (formats.length === 1) return parserOf(formats[0]!);
  const parsers = formats.map(parserOf);
  return (text) => {
    // a cell that two alternatives parse as different times is ambiguous, so it is not a time
    const times = new Set(parsers.map((parse) => parse(text)).filter((time) => !Number.isNaN(time)));
    return times.size === 1 ? [...times][0]! : NaN;
  };
}

/** Splits a format at `|` into its alternatives. */
export function formatsOf(format: string): string[] {
  return format.split("|").map((each) => each.trim());
}

function parserOf(format: string): TimeParser {
  if (format === "iso") return parseTime;
  const pattern = patternOf(format);
  return (text) => {
    const parts = pattern.exec(text.trim())?.groups;
    return parts ? timeOf(parts) : NaN;
  };
}

function patternOf(format: string): RegExp {
  const seen = new Set<string>();
  const source = format
    .trim()
    .replaceAll(/%(.?)|\s+|[^%\s]/gsu, (token: string, letter: string | undefined) => {
      if (letter === undefined) return /^\s/.test(token) ? String.raw`\s+` : escaped(token);
      if (letter === "%") return "%";
      if (!Object.hasOwn(DIRECTIVES, letter)) {
        throw new UsageError(
          `--time-format supports ${Object.keys(DIRECTIVES)
            .map((known) => `%${known}`)
            .join(" ")} %%, got '${token}' in '${format}'`,
        );
      }
      if (seen.has(letter)) throw new UsageError(`--time-format has ${token} twice: '${format}'`);
      seen.add(letter);
      const [name, pattern] = DIRECTIVES[letter]!;
      return `(?<${name}>${pattern})`;
    });
  const has = (...letters: string[]) => letters.filter((letter) => seen.has(letter)).length;
  if (has("Y", "y") !== 1 || has("m", "b") !== 1 || has("d") !== 1)
    throw new UsageError(
      `--time-format needs a year (%Y or %y), a month (%m or %b) and a day (%d), such as '%d/%m/%Y %H:%M', got '${format}'`,
    );
  if (has("H", "I") > 1 || has("I") !== has("p"))
    throw new UsageError(`--time-format takes %H, or %I together with %p, got '${format}'`);
  return new RegExp(`^${source}$`, "i");
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}

function timeOf(parts: Record<string, string | undefined>): number {
  const { shortYear, monthName, hourOf12, fraction = "" } = parts;
  const number = (text = "0") => Number(text);
  const century = number(shortYear) >= 69 ? 1900 : 2000;
  return millisecondsOf({
    year: shortYear === undefined ? number(parts["year"]) : century + number(shortYear),
    month: monthName === undefined ? number(parts["month"]) : monthNamed(monthName),
    day: number(parts["day"]),
    hour: hourOf12 === undefined ? number(parts["hour"]) : hourOf(number(hourOf12), parts["half"]!),
    minute: number(parts["minute"]),
    second: number(parts["second"]),
    fraction,
    zone: zoneMinutes(parts["zone"] ?? "Z"),
  });
}

/** Returns the number of a month, 1 to 12; NaN if the word is not a month or is shorter than three letters. */
function monthNamed(name: string): number {
  const at = MONTHS.findIndex(
    (month) => month === name.toLowerCase() || month.slice(0, 3) === name.toLowerCase(),
  );
  return at === -1 ? NaN : at + 1;
}

/** Converts an hour of the 12-hour clock to the 24-hour clock: 12 AM is midnight, 12 PM noon. */
function hourOf(hour: number, half: string): number {
  if (hour < 1 || hour > 12) return NaN;
  return (hour % 12) + (/^p/i.test(half) ? 12 : 0);
}
