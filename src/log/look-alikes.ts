// Detects text that a person would read as a number or a time but this program does not, such as `1,234.56`, `12 %`,
// `03/04/2024`. If such columns are read as keys, they carry little information, so a message tells the user which
// option reads them as numbers or times.

import { isNamedTime, type InferredRoles } from "./infer.js";
import { COMMON_NULLS } from "./nulls.js";
import { parseNumber } from "./number.js";
import { parseTime, timeParser, type TimeParser } from "./time.js";

/** Number formats, each with the option that reads it; a column is detected if all its cells have the same format. */
const NUMBER_FORMS: { form: RegExp; advice: (cell: string) => string }[] = [
  { form: /^[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?$/, advice: () => "--thousands ','" },
  { form: /^[-+]?\d+(?:,\d+)?$/, advice: () => "--decimal ','" },
  { form: /^[-+]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?$/, advice: () => "--decimal ',' --thousands '.'" },
  {
    form: /^[-+]?(?:\d{1,3}(?:[ '\u00a0\u202f]\d{3})+|\d+)(?:[.,]\d+)?$/,
    advice: (cell) => writing(cell, cell.replaceAll(/[ '\u00a0\u202f]/g, "").replace(",", ".")),
  },
  {
    form: /^(?:[$€£¥] ?[-+]?|[-+][$€£¥] ?)\d+(?:\.\d+)?$|^[-+]?\d+(?:\.\d+)? ?[%$€£¥]$/,
    advice: (cell) => writing(cell, cell.replaceAll(/[$€£¥% ]/g, "")),
  },
];

/** First word of the advice on cells that no option can read, so that the user must write them differently. */
const WRITE = "write ";

function writing(cell: string, plain: string): string {
  return `${WRITE}'${cell}' as ${plain}`;
}

/** Texts that represent a missing cell in some logs, but are a key or a name in other logs. */
const RARE_NULLS = ["null", "nan", "None", "NA", "n/a", "nil", "(null)", "<null>", "#N/A", "-", "?"];

const DAYS = [
  "%d/%m/%Y",
  "%m/%d/%Y",
  "%Y/%m/%d",
  "%d.%m.%Y",
  "%d-%m-%Y",
  "%m-%d-%Y",
  "%d %b %Y",
  "%b %d, %Y",
];
const CLOCKS = ["", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p"];
/** Parsers of times, which are compiled on demand because forty patterns take 2 ms. */
let compiled: { format: string; parse: TimeParser }[] | undefined;
const timeForms = () =>
  (compiled ??= DAYS.flatMap((day) => CLOCKS.map((clock) => day + clock)).map((format) => ({
    format,
    parse: timeParser(format),
  })));

/** A column that looks like numbers or times; `looks` describes the cells and names the option that reads them. */
export interface LookAlike {
  name: string;
  looks: string;
}

/**
 * Finds columns that look like numbers or times but are read as keys.
 *
 * @param unnamed columns that are categorical features by default
 * @param cellsOf returns the first cells of a column
 * @param hasTime whether the time of the event is known, in which case no times are searched for
 */
export function lookAlikes(
  unnamed: readonly string[],
  cellsOf: (name: string) => readonly string[],
  { types }: Pick<InferredRoles, "types">,
  hasTime: boolean,
): LookAlike[] {
  return unnamed.flatMap((name) => {
    const cells = filled(cellsOf(name));
    if (types[name] === "integer" && !hasTime && isNamedTime(name)) {
      const format = digitsFormat(cells);
      return format === undefined ? [] : [{ name, looks: timesAs(name, [format]) }];
    }
    if (types[name] !== "key") return [];
    const looks = numbersLike(name, cells) ?? (hasTime ? undefined : timesLike(name, cells));
    return looks === undefined ? [] : [{ name, looks }];
  });
}

/**
 * Returns a warning for each look-alike column, and one about columns of times if none of them was chosen as the time
 * of the event.
 */
export function lookAlikeWarnings(
  alike: readonly LookAlike[],
  unnamed: readonly string[],
  { times }: Pick<InferredRoles, "times">,
  hasTime: boolean,
): string[] {
  const found = alike.map(({ name, looks }) => `'${name}' ${looks}`);
  const several = hasTime ? [] : times.filter((name) => unnamed.includes(name)).map((name) => `'${name}'`);
  if (several.length > 1)
    found.push(`${several.join(" and ")} look like times: choose the time column with --time`);
  return found;
}

function numbersLike(name: string, cells: readonly string[]): string | undefined {
  const found = NUMBER_FORMS.filter(({ form }) => cells.every((cell) => form.test(cell)));
  const odd = cells.find((cell) => parseNumber(cell) === undefined);
  if (odd === undefined) return undefined;
  const missing = cells.filter((cell) => RARE_NULLS.includes(cell));
  const isNull = (cell: string) => parseNumber(cell) !== undefined || cell === missing[0];
  if (missing.length > 0 && missing.length < cells.length && cells.every(isNull))
    return (
      `looks numeric with '${odd}' for missing values but is read as keys: use --null ` +
      `'${[...COMMON_NULLS, odd].join(",")}'`
    );
  if (found.length === 0) return undefined;
  const advice = found
    .slice(0, 2)
    .map((each) => each.advice(odd))
    .join(" or ");
  return advice.startsWith(WRITE)
    ? `looks numeric but is read as keys: ${advice} and use --numeric ${name}`
    : `looks numeric but is read as keys: use ${advice} with --numeric ${name} to read '${odd}' as a number`;
}

function timesLike(name: string, cells: readonly string[]): string | undefined {
  const states = (parse: (text: string) => number) => (cell: string) => !Number.isNaN(parse(cell));
  // parseTime accepts a plain number as Unix time, but a plain number does not indicate a date
  const isTime = (cell: string) =>
    parseNumber(cell) === undefined &&
    (states(parseTime)(cell) || timeForms().some(({ parse }) => states(parse)(cell)));
  if (!cells.every(isTime)) return undefined;
  const fitting = timeForms()
    .filter(({ parse }) => cells.every(states(parse)))
    .map(({ format }) => format);
  if (fitting.length === 0)
    return (
      "has times in several formats and is read as keys: convert them to one format such as 2024-03-31 " +
      `08:30 and use --time ${name}`
    );
  return timesAs(name, fitting);
}

function timesAs(name: string, formats: readonly string[]): string {
  const flags = formats.map((format) => `--time ${name} --time-format '${format}'`);
  return `looks like times but is read as keys: use ${flags.join(" or ")}`;
}

function filled(cells: readonly string[]): string[] {
  return cells.map((cell) => cell.trim()).filter((cell) => cell !== "");
}

/** Formats of dates that are written as whole numbers, such as 20240331 and 20240331083000. */
const DIGITS = [
  { form: /^(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$/, format: "%Y%m%d" },
  {
    form: /^(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d[0-5]\d$/,
    format: "%Y%m%d%H%M%S",
  },
];

/** Returns the format of the dates if all cells are dates written as whole numbers. */
function digitsFormat(cells: readonly string[]): string | undefined {
  if (cells.length === 0) return undefined;
  return DIGITS.find(({ form }) => cells.every((cell) => form.test(cell)))?.format;
}

/** Warns about a time column without a format whose dates are read as Unix time: 20240331 would be in 1970. */
export function unixTimeWarnings(
  time: string | undefined,
  cellsOf: (name: string) => readonly string[],
): string[] {
  const cells = time === undefined ? [] : filled(cellsOf(time));
  const format = digitsFormat(cells);
  if (format === undefined) return [];
  return [
    `'${time}' is read as Unix time, but '${cells[0]}' looks like a date: use --time-format '${format}' to read it ` +
      "as one",
  ];
}
