// Converts times in cells to milliseconds since 1970 in UTC.
//
// Accepted: unix time in seconds, milliseconds, microseconds or nanoseconds, distinguished by magnitude; ISO 8601 dates
// and date-times (`T` or one space between them, seconds and fraction optional, then Z, an offset or nothing). A
// date-time without a zone is read as UTC, so a log gives the same times on any machine.

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

/**
 * Components of a time; `fraction` holds the digits after the decimal point of the seconds, and `zone` the minutes east
 * of UTC.
 */
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
export function millisecondsOf({
  year,
  month,
  day,
  hour,
  minute,
  second,
  fraction,
  zone,
}: TimeParts): number {
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
export function zoneMinutes(zone: string): number {
  if (/^z$/i.test(zone)) return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(":", "") || "0");
  if (hours > 23 || minutes > 59) return NaN;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
}
