// Detects ids that were converted to floating-point numbers before the log was written: 7.698748E+18,
// 76987484447176000.0, or a 64-bit integer whose last digits are 0. Different ids may have become equal, or differ from
// those in other files. Each distinct key of a column is examined once.

import { excerpt } from "../base/errors.js";
import { keyAt, type Keys } from "./keys.js";

const [MINUS, DOT, ZERO, NINE, UPPER_E, LOWER_E] = [0x2d, 0x2e, 0x30, 0x39, 0x45, 0x65];
/** Exponents that spreadsheets and pandas write for large numbers; `1e5` may be an ordinary key. */
const EXPONENT = /^-?\d(?:\.\d+[eE]\+?|[eE]\+)\d{2,3}$/;
/** Number of digits of 2^53 = 9007199254740992; not every larger integer is a 64-bit floating-point number. */
const LEAST_DIGITS = 16;
/** Integers are not examined if more of random ones are floating-point numbers; 1/16 from 2^56 on. */
const MOST_CHANCE = 1 / 16;
/** Maximum number of long integers that are examined; if there are more, an evenly spaced sample is. */
const MOST_LOOKS = 1 << 14;

const ADVICE =
  'in pandas, read ids with dtype=str or dtype="Int64"; in a spreadsheet, format the column as text';

export interface KeyOrigin {
  /** true if the file stores the column as 64-bit floating-point numbers */
  isFloat?: boolean;
  /** true if the column contains ids, so that `123.0` and `123` denote the same key */
  isId?: boolean;
  /** true if messages must not contain keys */
  hidesText?: boolean;
}

/** Returns warnings about those keys of a column that seem to have lost digits. */
export function roundedKeyWarnings(
  name: string,
  keys: Keys,
  { isFloat = false, isId = false, hidesText = false }: KeyOrigin = {},
): string[] {
  const found = looksOf(keys, isFloat);
  const such = (text: string | undefined) =>
    hidesText || text === undefined ? "" : ` such as ${excerpt(text)}`;
  const counted = ({ count }: Found, about = "") =>
    `'${name}' has ${about}${count.toLocaleString("en")} ${count === 1 ? "key" : "keys"}`;
  const warnings: string[] = [];
  const { exponents, rounded, decimals } = found;
  const integers = isId && decimals.count > 0 ? numIntegers(keys) : 0;
  if (exponents.count > 0)
    warnings.push(
      `${counted(exponents)} in exponent form${such(exponents.text)}: a program wrote ids as rounded numbers, so ids that ` +
        `differ in their last digits have become one. Write the log again: ${ADVICE}`,
    );
  if (rounded.count > 0)
    warnings.push(
      `${counted(rounded, "about ")} above 2^53${such(rounded.text)} that look rounded to 64-bit floating-point numbers, so ` +
        `their last digits are wrong. Write the log again: ${ADVICE}`,
    );
  if (integers > 0)
    warnings.push(
      `${counted(decimals)}${such(decimals.text)} with a decimal point beside ${integers.toLocaleString("en")} whole ` +
        `numbers, so one id may stand for two keys: ${ADVICE}`,
    );
  return warnings;
}

interface Found {
  count: number;
  /** the first key that seems to have lost digits */
  text?: string;
}

function looksOf(keys: Keys, isFloat: boolean) {
  const { bytes, offsets, size } = keys;
  const [exponents, decimals]: [Found, Found] = [{ count: 0 }, { count: 0 }];
  const large = new EvenSample();
  const see = (found: Found, text: string) => {
    found.count++;
    found.text ??= text;
  };
  for (let code = 0; code < size; code++) {
    const [from, to] = [offsets[code]!, offsets[code + 1]!];
    const start = bytes[from] === MINUS ? from + 1 : from;
    // most keys are short or not numbers, so they are excluded by their bytes before a key is converted to text
    if (to === start || bytes[start]! < ZERO || bytes[start]! > NINE) continue;
    const second = bytes[start + 1];
    const last = bytes[to - 1]!;
    if (last < ZERO || last > NINE) continue;
    if ((second === DOT || second === UPPER_E || second === LOWER_E) && EXPONENT.test(keyAt(keys, code)))
      see(exponents, keyAt(keys, code));
    else if (last === ZERO && bytes[to - 2] === DOT && /^-?\d+\.0$/.test(keyAt(keys, code))) {
      see(decimals, keyAt(keys, code));
      if (to - start >= LEAST_DIGITS + 2) large.add(code);
    } else if (to - start >= LEAST_DIGITS) large.add(code);
  }
  return {
    exponents,
    rounded: roundedAmong(large, (code) => keyAt(keys, code), isFloat),
    decimals,
  };
}

function numIntegers(keys: Keys): number {
  let count = 0;
  for (let code = 0; code < keys.size; code++) if (/^\d+$/.test(keyAt(keys, code))) count++;
  return count;
}

/**
 * Returns the integers that seem rounded, if there are more of them than expected by chance.
 *
 * Among random integers from 2^e to 2^(e + 1), one in 2^(e - 52) is a 64-bit floating-point number. Ids with a
 * timestamp in their upper bits are often multiples of a power of two, so a floating-point number is counted only if it
 * is an odd multiple of the spacing 2^(e - 52). Any other integer is counted if it consists of the shortest digits that
 * identify its nearest floating-point number, padded with zeros.
 */
function roundedAmong(
  { codes, each }: EvenSample,
  textOf: (code: number) => string,
  isFloat: boolean,
): Found {
  let [count, expected] = [0, 0];
  let text: string | undefined;
  for (const code of codes) {
    const written = textOf(code);
    const digits = written.replace(/^-/, "").replace(/\.0$/, "");
    if (!/^\d+$/.test(digits)) continue;
    const number = Number(digits);
    if (number < 2 ** 53) continue;
    const chance = 2 ** (52 - Math.floor(Math.log2(number)));
    const isCertain = isFloat || digits.length < written.replace(/^-/, "").length;
    if (!isCertain && (chance > MOST_CHANCE || digits.length > 40)) continue;
    if (!isCertain) expected += 1.5 * chance;
    if (!isCertain && !isRounded(digits, number, chance)) continue;
    count++;
    text ??= written;
  }
  const isChance = count <= expected + 6 * Math.sqrt(expected) + (expected > 0 ? 10 : 0);
  return count === 0 || isChance ? { count: 0 } : { count: count * each, text: text! };
}

function isRounded(digits: string, number: number, chance: number): boolean {
  // a fast check before the exact one: an integer of more than 17 digits can be rounded only if it ends in 0 (padded
  // digits) or its last four digits are a multiple of 16
  if (digits.length > 17 && !digits.endsWith("0") && Number(digits.slice(-4)) % 16 !== 0) return false;
  const integer = BigInt(digits);
  if (BigInt(number) === integer) return (integer / BigInt(1 / chance)) % 2n === 1n;
  const [shortest] = number.toExponential().split("e");
  return shortest!.replace(".", "") === digits.replace(/0+$/, "");
}

/** An evenly spaced sample of the codes that are passed to `add`, with at most MOST_LOOKS codes. */
class EvenSample {
  codes: number[] = [];
  /** every `each`-th code that is passed to `add` gets into the sample */
  each = 1;
  #added = 0;

  add(code: number): void {
    if (this.#added++ % this.each !== 0) return;
    this.codes.push(code);
    if (this.codes.length < MOST_LOOKS) return;
    this.codes = this.codes.filter((_, i) => i % 2 === 0);
    this.each *= 2;
  }
}
