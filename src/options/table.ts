// Option tables. A table contains all properties of each option: its values, range, default, conditions and help. The
// flags, the help, YAML keys, range checks, the manifest's options, a checkpoint's identity, --search and the types of
// the API are all derived from it.
//
//   table ──► flags (command line, YAML)      given: the values that the user set, by option name
//        └──► checkGiven(given) (check-given.ts) ──► resolved(given, facts): every option with defaults applied

import { flagOf, nearestName, UsageError } from "../base/errors.js";

type Group = `${string}:`;

/** Properties that every option has. */
export interface About<V> {
  help: string;
  group: Group;
  /** value if the user sets none; it may depend on earlier options of the table, and on facts about the data */
  default?: V | ((before: never, facts: never) => V);
  /** text of the default in the help, if it is not a plain value */
  shown?: string;
  /** options that this one needs, by name: some of these values, set or by default, or `true` for any that was set */
  only?: Readonly<Record<string, readonly string[] | true>>;
  /** names of options of which this one needs at least one, with their required values as in `only` */
  onlyAny?: Readonly<Record<string, readonly string[] | true>>;
  /** options that must not be set together with this one, by name: some of these values, or `true` for any value */
  not?: Readonly<Record<string, readonly string[] | true>>;
  /** why the options in `not` are excluded, as a clause of the error message: `it writes leaves` */
  why?: string;
  /** modes of the command in which the option is allowed; all when absent */
  for?: readonly string[];
  /** true if --help shows the option; otherwise only --help-all does */
  common?: true;
  /** true if the bytes of the result do not depend on the option */
  noBytes?: true;
  /** reason why the command rejects the option, as messages state it after the flag; absent if it is allowed */
  refused?: string;
  required?: true;
  /** names of options that this option sets, unless the user sets them */
  sets?: readonly string[];
}

/** Values of an option that --search tries: a list, or a number's default divided and multiplied by up to `span`. */
export interface SearchRange {
  /** values to try: ascending numbers, or words; an empty list if there is nothing to try */
  among?: (options: never) => readonly (number | string)[];
  span?: number;
  /** whether the option is searched, depending on the other options */
  when?: (options: never) => boolean;
}

/** Range of a number; both ends are allowed values. */
interface Range {
  min: number;
  max: number;
  search?: SearchRange;
}

/** Parser of an option's text, with its checks. */
export interface Parsed<V> {
  /** name of the value in the help; absent for a switch */
  placeholder?: string;
  choices?: readonly string[];
  /** true if the flag is `--no-NAME`, which sets the option to false; "also" if `--NAME` exists, too */
  negated?: true | "also";
  /** true if the flag may be repeated; each occurrence adds to the value */
  repeats?: true;
  /** true if a text may contain several values, separated by commas */
  commas?: true;
  /** true if the flag may be given without a value, which sets the option to true */
  optional?: true;
  /** @param previous value after the previous occurrence of the flag @throws {UsageError} invalid text */
  parse?(text: string, flag: string, previous: V | undefined): V;
  /** returns a description of valid values if the value is invalid, otherwise undefined */
  complaint?(value: V): string | undefined;
  /** returns the texts that `parse` converts to the value; absent if they follow from its kind (flag-words.ts) */
  texts?(value: V): readonly string[];
  /** TypeScript type of the value in the library's declarations; derived from `choices` when absent */
  type?: string;
  /** this member is never set; it carries the value's type for the compiler */
  value?: V;
}

export type Option<V = unknown> = About<V> &
  Parsed<V> & { integer?: true; search?: SearchRange; min?: number; max?: number };
export type OptionTable = Readonly<Record<string, Option<never> | Option>>;

type ValueOf<O> = O extends Parsed<infer V> ? V : never;

/** Options that the user set, keyed by their names. */
export type Given<T> = { [K in keyof T]?: ValueOf<T[K]> };

/** Options that a command receives: all required ones, and any others that the user may set. */
export type GivenTo<T> = Given<T> & {
  [K in keyof T as T[K] extends { required: true } ? K : never]: ValueOf<T[K]>;
};

/** Options after defaults are applied. */
export type Resolved<T> = {
  [K in keyof T as T[K] extends { default: unknown } | { required: true } ? K : never]: ValueOf<T[K]>;
} & { [K in keyof T as T[K] extends { default: unknown } | { required: true } ? never : K]?: ValueOf<T[K]> };

/** The greatest number below 1, as the upper bound of a range that excludes 1. */
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

/** Defines a share, which the user may also give in percent. */
export function share<const S extends About<number> & Range>(spec: S): S & Parsed<number> {
  return { ...number(spec), placeholder: "share", parse: shareOf };
}

/** Defines an option without a value (a switch). */
export function flag<const S extends About<boolean> & { negated?: true | "also" }>(
  spec: S,
): S & Parsed<boolean> {
  return {
    ...spec,
    type: "boolean",
    complaint: (value) => unless(typeof value === "boolean", "true or false"),
  };
}

/** Defines an option whose value is one of a few words. */
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

/** Defines an option that the command rejects. @param why error message after the flag: `is not for this command` */
export function refused(why: string): About<never> & Parsed<never> & { refused: string } {
  return { placeholder: "x", help: why, group: "Model:", refused: why };
}

/** Defines an option whose value is any text. @param placeholder the value's name in the help: `column`, `file` */
export function text<const S extends About<string>>(placeholder: string, spec: S): S & Parsed<string> {
  return {
    ...spec,
    placeholder,
    type: "string",
    complaint: (value) => unless(typeof value === "string" && value !== "", `a ${placeholder}`),
  };
}

const TEXTS = "string | readonly string[]";

/** Defines a list of names, separated by commas or given by repeated flags; names of columns may also be ranges. */
export function list<const S extends About<string[]>>(placeholder: string, spec: S): S & Parsed<string[]> {
  const parse: Parsed<string[]>["parse"] = (given, flagName, previous = []) => {
    const names = given.split(",").filter((name) => name !== "");
    return [...previous, ...(placeholder === "columns" ? countedOut(names, flagName) : names)];
  };
  const complaint = textsComplaint(placeholder);
  return { ...spec, placeholder, type: TEXTS, repeats: true, commas: true, parse, complaint };
}

/** Defines a list of texts that may contain commas; the user repeats the flag. */
export function texts<const S extends About<string[]>>(placeholder: string, spec: S): S & Parsed<string[]> {
  const parse: Parsed<string[]>["parse"] = (given, _, previous = []) => [...previous, given];
  return { ...spec, placeholder, type: TEXTS, repeats: true, parse, complaint: textsComplaint(placeholder) };
}

function textsComplaint(placeholder: string): (value: string[]) => string | undefined {
  const isText = (part: unknown) => typeof part === "string";
  return (value) => unless(Array.isArray(value) && value.every(isText), `a list of texts (${placeholder})`);
}

/** Returns a description of valid values, or undefined if the value is valid. Library callers may pass any type. */
function unless(isRight: boolean, expected: string): string | undefined {
  return isRight ? undefined : expected;
}

/** Checks a record, such as one with a value per column. @param is whether a value has the right type */
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

/** Defines an option with its own parser. Callers of the library may also pass a text, which the parser converts. */
export function custom<V, const S extends About<V>>(
  placeholder: string,
  how: Pick<Parsed<V>, "parse" | "complaint" | "texts" | "repeats" | "optional"> & { type: string },
  spec: S,
): S & Parsed<V> & { type: string } {
  // `how` may be a complete option, whose help and default are then replaced by those of `spec`
  return { ...how, ...spec, placeholder };
}

/** Returns an option table with only the named options of the given one. */
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

/** Returns an option table without the named options. */
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

/** Parses an integer of at least `min`. @throws {UsageError} any other text */
export function wholeOf(given: string, flagName: string, min: number): number {
  const x = numberOf(given, flagName);
  if (!Number.isInteger(x) || x < min)
    throw new UsageError(`${flagName} expects an integer of at least ${min}, got '${given}'`);
  return x;
}

function rangeComplaint(range: Range, x: number, what: string): string | undefined {
  return unless(typeof x === "number" && x >= range.min && x <= range.max, rangeText(range, x, what));
}

/** Describes the range of an option's numbers in messages: `a number from 0 to 1`; unlimited ends are left out. */
function rangeText({ min, max }: Range, x: number, what: string): string {
  // a comparison of an object would call its toString
  const hasMax = max < Number.MAX_SAFE_INTEGER || (typeof x === "number" && x > max);
  if (max === BELOW_1)
    return min === Number.MIN_VALUE
      ? `${what} above 0 and below 1`
      : `${what} of at least ${min} and below 1`;
  if (min === Number.MIN_VALUE) return `${what} above 0${hasMax ? ` and at most ${max}` : ""}`;
  if (min <= -Number.MAX_SAFE_INTEGER) return hasMax ? `${what} of at most ${max}` : what;
  return hasMax ? `${what} from ${min} to ${max}` : `${what} of at least ${min}`;
}

/** Returns the error for an unknown option of a command. @param names names of the command's options */
export function noSuchOption(command: string, name: string, names: Iterable<string>): UsageError {
  const near = nearestName(name, names);
  const hint = near === undefined ? "" : `: did you mean '${near}'?`;
  return new UsageError(`${command} has no option '${name}'${hint}`);
}

/** Returns the flag of an option in the form that the user types. */
export function flagNamed(name: string, { negated }: Pick<Parsed<unknown>, "negated"> = {}): string {
  return negated === true ? flagOf(name).replace(/^--/, "--no-") : flagOf(name);
}

/** Applies defaults; options of other tables are omitted. @param facts about the data, on which defaults may depend */
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

/** Returns the user's options that affect the bytes of the result. */
export function decisive(
  table: OptionTable,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given).filter(([name, value]) => value !== undefined && !table[name]?.noBytes),
  );
}

/** Returns the options whose values are not undefined. */
export function definedOf<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

const MOST_COLUMNS = 16_384;
const COLUMN_RANGE = /^(.*?)(\d+)\.\.\1(\d+)(:.*)?$/su;

/** Expands column ranges: `c01..c26` keeps leading zeros, and in `i1..i13:log1p` the suffix applies to each column. */
export function countedOut(names: readonly string[], flag: string): string[] {
  return names.flatMap((name) => {
    const [, prefix, from, to, form = ""] = COLUMN_RANGE.exec(name) ?? [];
    if (prefix === undefined || from === undefined || to === undefined) return [name];
    const count = Number(to) - Number(from) + 1;
    if (!(count >= 1 && count <= MOST_COLUMNS))
      throw new UsageError(
        `${flag} expects a range from a lower number to a higher one, such as i1..i13, got '${name}'`,
      );
    const width = from.startsWith("0") ? from.length : 1;
    return Array.from(
      { length: count },
      (_, i) => `${prefix}${String(Number(from) + i).padStart(width, "0")}${form}`,
    );
  });
}

const MAX_LAYERS = 16;
const MAX_UNITS = 8192;

/** Returns the parser and the check of layer sizes. @param orNone true to accept `none`, which denotes no layers */
export function layerSizes({ orNone = false }: { orNone?: boolean } = {}): Pick<
  Parsed<readonly number[]>,
  "parse" | "complaint" | "texts"
> & { type: string } {
  const isSize = (n: number) => Number.isInteger(n) && n >= 1 && n <= MAX_UNITS;
  return {
    type: "number | string | readonly number[]",
    parse: (given, flagName) =>
      orNone && given === "none" ? [] : given.split(",").map((part) => wholeOf(part, flagName, 1)),
    texts: (sizes) => [sizes.length === 0 ? "none" : sizes.join(",")],
    complaint(sizes) {
      const isRight =
        Array.isArray(sizes) &&
        (sizes.length > 0 || orNone) &&
        sizes.length <= MAX_LAYERS &&
        sizes.every(isSize);
      if (isRight) return undefined;
      return `1 to ${MAX_LAYERS} sizes from 1 to ${MAX_UNITS}, such as 256,128${orNone ? ", or none" : ""}`;
    },
  };
}
