// Times as text: unix seconds, milliseconds, microseconds or nanoseconds (told apart by magnitude), or ISO 8601.

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?\s*(Z|[-+]\d\d:?\d\d)?)?$/i;

/**
 * Milliseconds since 1970 in UTC; NaN when the text is no time.
 *
 * A number is seconds below 1e11, milliseconds below 1e14, microseconds below 1e17, else nanoseconds: seconds reach the
 * year 5138, and milliseconds start in March 1973. ISO 8601 without a zone is UTC.
 */
export function parseTime(text: string): number {
  const trimmed = text.trim();
  if (/^[-+]?\d+(\.\d*)?(e\+?\d+)?$/i.test(trimmed)) return timeOfNumber(Number(trimmed));
  const match = ISO.exec(trimmed);
  if (!match) return NaN;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "0", zone = "Z"] = match;
  const [y, mo, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (h > 23 || mi > 59 || s > 59) return NaN;
  const time = new Date(Date.UTC(2000, mo - 1, d, h, mi, s));
  time.setUTCFullYear(y, mo - 1, d);
  // a 30 February would have moved on to March
  if (time.getUTCMonth() !== mo - 1 || time.getUTCDate() !== d) return NaN;
  return time.getTime() + Math.floor(Number(fraction) * 1000) - offsetOf(zone);
}

/** Milliseconds of a number by its magnitude; see parseTime. */
export function timeOfNumber(x: number): number {
  const size = Math.abs(x);
  if (size < 1e11) return x * 1000;
  if (size < 1e14) return x;
  return size < 1e17 ? x / 1e3 : x / 1e6;
}

function offsetOf(zone: string): number {
  if (zone.toUpperCase() === "Z") return 0;
  const digits = zone.replace(":", "");
  const minutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5));
  return (digits.startsWith("-") ? -minutes : minutes) * 60_000;
}
