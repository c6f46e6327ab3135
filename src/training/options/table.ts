// Options as data. A table has everything about each option: its values, range, default, conditions and help. The
// flags, the help, YAML keys, range checks, the manifest's options, a checkpoint's identity, --search and the types of
// the API are all derived from it.
//
//   table ──► flags/ (command line, YAML)      given: what the user set, by the options' names
//        └──► checkGiven(given) (check-given.ts) ──► resolved(given, facts): every option as it is used

import { flagOf, nearestName, UsageError } from "../../errors.js";
import { countedOut } from "./ranges.js";

/** A heading of the help. */
export type Group = `${string}:`;

/** Properties that every option has. */
export interface About<V> {
  help: string;
  group: Group;
  /** value if the user sets none; may depend on the options before it in the table, and on facts about the data */
  default?: V | ((before: never, facts: never) => V);
  /** the default as the help shows it, if it is not a plain value */
  shown?: string;
  /** options that must also be set, by name: to one of the listed values, or (true) to any */
  only?: Readonly<Record<string, readonly string[] | true>>;
  /** options of which at least one must also be set, by name: to one of the listed values, or (true) to any */
  onlyAny?: Readonly<Record<string, readonly string[] | true>>;
  /** options that must not be set, by name: to one of the listed values, or (true) to any */
  not?: Readonly<Record<string, readonly string[] | true>>;
  /** the reason for `not`, as a clause of the message: `it writes leaves` */
  why?: string;
  /** the modes of the command to which it applies; all when absent */
  for?: readonly string[];
  /** shown by --help; the other options only by --help-all */
  common?: true;
  /** the result's bytes do not depend on it */
  noBytes?: true;
  /** set for an option that the command rejects: the reason, as the message states it after the flag */
  refused?: string;
  /** required on the command line */
  required?: true;
  /** names of options that it sets, unless the user sets them */
  sets?: readonly string[];
}

/**
 * The values of an option that --search tries: a list, or a number's default divided and multiplied by up to `span`.
 */
export interface SearchRange {
  /** ascending numbers, or words; an empty list if there is nothing to try */
  among?: (options: never) => readonly (number | string)[];
  span?: number;
  /** whether the option is searched, given the other options */
  when?: (options: never) => boolean;
}

/** A closed range. */
interface Range {
  min: number;
  max: number;
  search?: SearchRange;
}

/** The parser of an option's text, and its checks. */
export interface Parsed<V> {
  /** name of the value in the help; a switch has none */
  placeholder?: string;
  choices?: readonly string[];
  /** `--no-NAME` sets it to false; "also" if `--NAME` exists, too */
  negated?: true | "also";
  /** the flag may be repeated; each occurrence adds to the value */
  repeats?: true;
  /** one text may hold several values, separated by commas */
  commas?: true;
  /** the flag may be given without a value, which then is true */
  optional?: true;
  /** Parses a text. @param previous value of an earlier occurrence of the flag @throws {UsageError} invalid text */
  parse?(text: string, flag: string, previous: V | undefined): V;
  /** returns the expectation that a value violates, or undefined if it is valid */
  complaint?(value: V): string | undefined;
  /** returns the texts that `parse` would turn into the value, unless they follow from its kind (flag-words.ts) */
  texts?(value: V): readonly string[];
  /** TypeScript type of the value in the library's declarations; derived from `choices` when absent */
  type?: string;
  /** never set; carries the value's type for TypeScript */
  value?: V;
}

export type Option<V = unknown> = About<V> &
  Parsed<V> & { integer?: true; search?: SearchRange; min?: number; max?: number };
export type OptionTable = Readonly<Record<string, Option<never> | Option>>;

type ValueOf<O> = O extends Parsed<infer V> ? V : never;

/** The options that a user set. */
export type Given<T> = { [K in keyof T]?: ValueOf<T[K]> };

/** The options that a command receives: any that a user may set, and all required ones. */
export type GivenTo<T> = Given<T> & {
  [K in keyof T as T[K] extends { required: true } ? K : never]: ValueOf<T[K]>;
};

/** All options with defaults applied. */
export type Resolved<T> = {
  [K in keyof T as T[K] extends { default: unknown } | { required: true } ? K : never]: ValueOf<T[K]>;
} & { [K in keyof T as T[K] extends { default: unknown } | { required: true } ? never : K]?: ValueOf<T[K]> };

/** The greatest number below 1, as the upper end of a range that excludes 1. */
export const BELOW_1 = 1 - Number.EPSILON / 2;

/** Defines a numeric option. */
export function number<const S extends About<number> & Range>(spec: S): S & Parsed<number> {
  return {
    placeholder: "x",
    ...spec,
    type: "number",
    parse: numberOf,
    complaint: (x) => rangeComplaint(spec, x, "a number"),
  };
}

/** Defines an integer option. */
export function whole<const S extends About<number> & Range>(
  spec: S,
): S & Parsed<number> & { integer: true } {
  const what = "an integer";
  return {
    placeholder: "n",
    ...spec,
    integer: true,
    type: "number",
    parse: numberOf,
    complaint: (x) => (Number.isInteger(x) ? rangeComplaint(spec, x, what) : rangeText(spec, x, what)),
  };
}

/** Defines a share, which may be given in percent. */
export function share<const S extends About<number> & Range>(spec: S): S & Parsed<number> {
  return { ...number(spec), placeholder: "share", parse: shareOf };
}

/** Defines a switch. */
export function flag<const S extends About<boolean> & { negated?: true | "also" }>(
  spec: S,
): S & Parsed<boolean> {
  return {
    ...spec,
    type: "boolean",
    complaint: (value) => unless(typeof value === "boolean", "true or false"),
  };
}

/** Defines an option that takes one of a few words. */
export function choice<const C extends readonly string[], const S extends About<C[number]>>(
  choices: C,
  spec: S,
): S & Parsed<C[number]> {
  return {
    placeholder: "what",
    ...spec,
    choices,
    complaint: (value) => unless(choices.includes(value), `one of ${choices.join(", ")}`),
  };
}

/** Defines an option that the command rejects. @param why the message after the flag: `is not for this command: ...` */
export function refused(why: string): About<never> & Parsed<never> & { refused: string } {
  return { placeholder: "x", help: why, group: "Model:", refused: why };
}

/** Defines an option that takes any text. @param placeholder its name in the help: `column`, `file`, `run` */
export function text<const S extends About<string>>(placeholder: string, spec: S): S & Parsed<string> {
  return {
    ...spec,
    placeholder,
    type: "string",
    complaint: (value) => unless(typeof value === "string", `a ${placeholder}`),
  };
}

/** TypeScript type of a list of texts. */
const TEXTS = "string | readonly string[]";

/** Defines a list of names, with commas or repetition; names of columns may also be ranges. */
export function list<const S extends About<string[]>>(placeholder: string, spec: S): S & Parsed<string[]> {
  const parse: Parsed<string[]>["parse"] = (given, flagName, previous = []) => {
    const names = given.split(",").filter((name) => name !== "");
    return [...previous, ...(placeholder === "columns" ? countedOut(names, flagName) : names)];
  };
  const complaint = textsComplaint(placeholder);
  return { ...spec, placeholder, type: TEXTS, repeats: true, commas: true, parse, complaint };
}

/** Defines a list of texts that may contain commas; the flag is repeated. */
export function texts<const S extends About<string[]>>(placeholder: string, spec: S): S & Parsed<string[]> {
  const parse: Parsed<string[]>["parse"] = (given, _, previous = []) => [...previous, given];
  return { ...spec, placeholder, type: TEXTS, repeats: true, parse, complaint: textsComplaint(placeholder) };
}

function textsComplaint(placeholder: string): (value: string[]) => string | undefined {
  const isText = (part: unknown) => typeof part === "string";
  return (value) => unless(Array.isArray(value) && value.every(isText), `a list of texts (${placeholder})`);
}

/** Returns the expectation, unless it is met. The library's callers may pass any type. */
function unless(isRight: boolean, expected: string): string | undefined {
  return isRight ? undefined : expected;
}

/** Checks a record such as one of a value per column. @param is whether a value has the right type */
export function recordComplaint<V>(
  is: (value: V) => boolean,
  expected: string,
): (value: Readonly<Record<string, V>>) => string | undefined {
  return (value) =>
    unless(
      typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every(is),
      expected,
    );
}

/** Defines an option with its own parser. In the library, it may also be a text, which the parser converts. */
export function custom<V, const S extends About<V>>(
  placeholder: string,
  how: Pick<Parsed<V>, "parse" | "complaint" | "texts" | "repeats" | "optional"> & { type: string },
  spec: S,
): S & Parsed<V> & { type: string } {
  // `how` may be another whole option: the help and default of `spec` override its own
  return { ...how, ...spec, placeholder };
}

/** Returns some of a table's options. */
export function pick<T extends OptionTable, K extends keyof T>(table: T, ...names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.map((name) => [name, table[name]])) as Pick<T, K>;
}

/** Marks the named options as common, so that --help shows them. */
export function withCommon<T extends OptionTable>(table: T, names: readonly (keyof T)[]): T {
  const all = Object.entries(table).map(([name, option]) =>
    names.includes(name) ? [name, { ...option, common: true }] : [name, option],
  );
  return Object.fromEntries(all) as T;
}

/** Returns a table without some of its options. */
export function omit<T extends OptionTable, K extends keyof T>(table: T, ...names: readonly K[]): Omit<T, K> {
  const left = Object.entries(table).filter(([name]) => !names.includes(name as K));
  return Object.fromEntries(left) as Omit<T, K>;
}

/** Parses a number. @throws {UsageError} not a finite number */
export function numberOf(given: string, flagName: string): number {
  const x = given.trim() === "" ? NaN : Number(given);
  if (!Number.isFinite(x)) throw new UsageError(`${flagName} expects a number, got '${given}'`);
  return x;
}

/** Parses a number or a percentage: `10%` is 0.1. @throws {UsageError} not a finite number */
export function shareOf(given: string, flagName: string): number {
  const percent = /^\s*(\d+(?:\.\d*)?|\.\d+)\s*%\s*$/.exec(given)?.[1];
  return percent === undefined ? numberOf(given, flagName) : Number(`${percent}e-2`);
}

/** Parses an integer of at least `min`. @throws {UsageError} anything else */
export function wholeOf(given: string, flagName: string, min: number): number {
  const x = numberOf(given, flagName);
  if (!Number.isInteger(x) || x < min)
    throw new UsageError(`${flagName} expects an integer of at least ${min}, got '${given}'`);
  return x;
}

function rangeComplaint(range: Range, x: number, what: string): string | undefined {
  return unless(typeof x === "number" && x >= range.min && x <= range.max, rangeText(range, x, what));
}

/** Describes a range, without bounds that no user would reach. */
function rangeText({ min, max }: Range, x: number, what: string): string {
  const hasMax = max < Number.MAX_SAFE_INTEGER || x > max;
  if (max === BELOW_1)
    return min === Number.MIN_VALUE
      ? `${what} above 0 and below 1`
      : `${what} of at least ${min} and below 1`;
  if (min === Number.MIN_VALUE) return `${what} above 0${hasMax ? ` and at most ${max}` : ""}`;
  if (min <= -Number.MAX_SAFE_INTEGER) return hasMax ? `${what} of at most ${max}` : what;
  return hasMax ? `${what} from ${min} to ${max}` : `${what} of at least ${min}`;
}

/** Returns the error for an option that a command does not have. @param names the options that it has */
export function noSuchOption(command: string, name: string, names: Iterable<string>): UsageError {
  const near = nearestName(name, names);
  const hint = near === undefined ? "" : `: did you mean '${near}'?`;
  return new UsageError(`${command} has no option '${name}'${hint}`);
}

/** Returns the flag of an option, as the user types it. */
export function flagNamed(name: string, { negated }: Pick<Parsed<unknown>, "negated"> = {}): string {
  return negated === true ? flagOf(name).replace(/^--/, "--no-") : flagOf(name);
}

/**
 * Applies defaults: every option of a table, as the user set it or else its default. Options of other tables are left
 * out.
 *
 * @param facts facts about the data, for defaults that depend on them
 */
export function resolved<T extends OptionTable>(
  table: T,
  given: Given<T>,
  facts: Readonly<Record<string, unknown>> = {},
): Resolved<T> {
  const all: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(table)) {
    const standard = option.default as unknown;
    const value: unknown =
      (given as Record<string, unknown>)[name] ??
      (typeof standard === "function"
        ? (standard as (before: unknown, facts: unknown) => unknown)(all, facts)
        : standard);
    if (value !== undefined) all[name] = value;
  }
  return all as Resolved<T>;
}

/** Returns those of the user's options that affect the result's bytes. */
export function decisive(
  table: OptionTable,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given).filter(([name, value]) => value !== undefined && !table[name]?.noBytes),
  );
}
