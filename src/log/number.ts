// The syntax of numbers in cells, decimal and scientific, and of words that mean yes or no. The kernel parses common
// numbers itself (compute/kernels/scan/assembly/main.ts) and leaves the rest to this file.

import { UsageError } from "../base/errors.js";

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * A number format that programs do not use by default: `1.234,56` has a decimal comma, and dots that separate
 * thousands.
 */
export interface NumberForm {
  /** the decimal separator; a dot when absent */
  decimal?: string;
  /** the separator of groups of three digits; none when absent */
  thousands?: string;
}

/** Parses a cell: a finite number, NaN for an empty cell, undefined for any other text (hex, Infinity, NaN, words). */
export type NumberParser = (text: string) => number | undefined;

/**
 * Returns the finite number in a cell; NaN for an empty cell; undefined for any other text (hex, Infinity, NaN, words).
 */
export function parseNumber(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return NaN;
  if (!DECIMAL.test(trimmed)) return undefined;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : undefined;
}

/** Whether the number format has separators that the kernel does not parse. */
export function hasOwnForm({ decimal, thousands }: NumberForm): boolean {
  return (decimal !== undefined && decimal !== ".") || thousands !== undefined;
}

/**
 * Returns a parser for a number format. Groups between thousands separators must have three digits, so `1.5` is not a
 * number if the separator is a dot.
 *
 * @throws {UsageError} a separator is a digit or a sign, or both separators are equal
 */
export function numberParser(form: NumberForm): NumberParser {
  if (!hasOwnForm(form)) return parseNumber;
  const { decimal = ".", thousands } = form;
  checkForm(decimal, thousands);
  const digits =
    thousands === undefined ? String.raw`\d*` : String.raw`(?:\d{1,3}(?:${escaped(thousands)}\d{3})+|\d*)`;
  const pattern = new RegExp(
    `^[+-]?(?=\\d|${escaped(decimal)}\\d)${digits}(?:${escaped(decimal)}\\d*)?(?:[eE][+-]?\\d+)?$`,
    "u",
  );
  return (text) => {
    const trimmed = text.trim();
    if (trimmed === "") return NaN;
    return pattern.test(trimmed) ? parseNumber(plainNumber(trimmed, decimal, thousands)) : undefined;
  };
}

/**
 * Returns a function that rewrites numbers with a decimal point and without thousands separators, for checks of the
 * first rows; it does not change other cells.
 */
export function plainCell(form: NumberForm): (text: string) => string {
  if (!hasOwnForm(form)) return (text) => text;
  const parse = numberParser(form);
  const { decimal = ".", thousands } = form;
  return (text) => {
    const value = parse(text);
    return value === undefined || Number.isNaN(value) ? text : plainNumber(text.trim(), decimal, thousands);
  };
}

function plainNumber(text: string, decimal: string, thousands: string | undefined): string {
  const joined = thousands === undefined ? text : text.replaceAll(thousands, "");
  return joined.replace(decimal, ".");
}

function checkForm(decimal: string, thousands: string | undefined): void {
  const isOdd = (text: string) => text.length !== 1 || /[\d+\-eE\r\n"]/.test(text);
  if (isOdd(decimal) || (thousands !== undefined && isOdd(thousands)) || decimal === thousands)
    throw new UsageError(
      "--decimal and --thousands must be two different characters other than digits and signs, such as , and " +
        `., got '${decimal}' and '${thousands ?? ""}'`,
    );
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
}

/** Words that mean yes or no: pandas writes True, DuckDB and JSON true, PostgreSQL t, surveys yes and y. */
const TRUTHS: Readonly<Record<string, 0 | 1>> = {
  ...{ true: 1, t: 1, yes: 1, y: 1 },
  ...{ false: 0, f: 0, no: 0, n: 0 },
};

/** Returns 1 for true, t, yes and y in any case, 0 for false, f, no and n; undefined for anything else. */
export function truthOf(text: string): 0 | 1 | undefined {
  const word = text.trim().toLowerCase();
  return Object.hasOwn(TRUTHS, word) ? TRUTHS[word] : undefined;
}
