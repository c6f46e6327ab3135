// Times in a user's format (--time-format): a pattern of the strptime directives that logs need.
//
//   %Y year, 4 digits   %y 2 digits (69 to 99 are 1969 to 1999)   %m month   %b its English name
//   %d day   %H hour   %I hour of 12   %p AM or PM   %M minute   %S second   %f fraction, 1 to 9 digits
//   %z Z or +02:00   %% a %
//
// A number may lack its leading zero; a blank matches one or several. Without %z a time is UTC. Alternatives are
// separated by |, and `iso` accepts Unix time and ISO 8601.

import { UsageError } from "../errors.js";
import { millisecondsOf, parseTime, zoneMinutes } from "./time.js";

const MONTHS = "january february march april may june july august september october november december".split(
  " ",
);

/**
 * For each directive such as %Y, by its letter: the name of its group in the regular expression, and the pattern of the
 * group.
 */
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

/** Returns the parser of a format; without a format, that of time.ts. @throws {UsageError} the format has no date */
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

/**
 * Returns the parser of one of the alternatives of a format, which | separates.
 * @throws {UsageError} the format has no date
 */
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
