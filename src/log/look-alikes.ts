// Text that a person would read as a number or a time and this program does not: `1,234.56`, `12 %`, `03/04/2024`. As keys
// such columns tell a model little, so that their users hear what would read them.

import { parseNumber } from "./number.js";
import { timeParser } from "./time-format.js";
import { parseTime } from "./time.js";

/** Forms of numbers; all cells of a column must be of one. */
const NUMBER_FORMS = [
  /^[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?$/,
  /^[-+]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?$/,
  /^[-+]?(?:\d{1,3}(?:[ '\u00a0\u202f]\d{3})+|\d+)(?:[.,]\d+)?$/,
  /^(?:[-+]?[$€£¥] ?[-+]?[\d.,']+|[-+]?[\d.,']+ ?[%$€£¥])$/,
];

const DAYS = ["%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%b %d, %Y"];
const CLOCKS = ["", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p"];
const TIME_FORMATS = DAYS.flatMap((day) => CLOCKS.map((clock) => day + clock)).map((format) => ({
  format,
  parse: timeParser(format),
}));

/**
 * What a column of keys looks like, and what reads it.
 *
 * @param cells without empty ones
 * @param orTimes whether times are looked for, too: a log has one
 * @returns a part of a sentence after the column's name; undefined where the text is text
 */
export function lookAlike(name: string, cells: readonly string[], orTimes: boolean): string | undefined {
  const texts = cells.map((cell) => cell.trim());
  const odd = texts.find((cell) => parseNumber(cell) === undefined);
  if (odd === undefined) return undefined;
  if (NUMBER_FORMS.some((form) => texts.every((cell) => form.test(cell))))
    return `looks like numbers written as '${odd}', which are read as keys: write them as 1234.56 and --numeric ${name} takes them`;
  return orTimes ? timesLike(name, texts) : undefined;
}

function timesLike(name: string, texts: readonly string[]): string | undefined {
  const states = (parse: (text: string) => number) => (cell: string) => !Number.isNaN(parse(cell));
  // a bare number is a time to parseTime, and no date
  const isDate = (cell: string) => parseNumber(cell) === undefined;
  const isTime = (cell: string) =>
    isDate(cell) && (states(parseTime)(cell) || TIME_FORMATS.some(({ parse }) => states(parse)(cell)));
  if (!texts.every(isTime)) return undefined;
  const fitting = TIME_FORMATS.filter(({ parse }) => texts.every(states(parse))).map(({ format }) => format);
  if (fitting.length === 0)
    return "looks like times in several formats, which are read as keys: write them as ISO 8601, such as 2024-03-31 08:30";
  const flags = fitting.map((format) => `--time ${name} --time-format '${format}'`);
  return `looks like times, which are read as keys: ${flags.join(" or ")} reads them`;
}
