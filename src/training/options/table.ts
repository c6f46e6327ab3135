// Options as data. A table says of each option all that there is to say: what its flag takes, its range and default, when it
// applies, its help. Flags, help, YAML keys, range checks, the manifest's options, a checkpoint's identity, --search and the types of
// the API come from it.
//
//   table ──► flags/ (command line, YAML)      given: what the user set, by the options' names
//        └──► checkGiven(given) (check-given.ts) ──► resolved(given, facts): every option as it is used

import { flagOf, nearestName, UsageError } from "../../errors.js";
import { countedOut } from "./ranges.js";

/** Headings of the help. */
export type Group = `${string}:`;

/** What is said of every option. */
export interface About<V> {
  help: string;
  group: Group;
  /** what it is where the user is silent; may depend on the options before it, and on what the data says */
  default?: V | ((before: never, facts: never) => V);
  /** the default as the help shows it, where it is no plain value */
  shown?: string;
  /** options that it goes with, by name: with which of their values, or with any */
  only?: Readonly<Record<string, readonly string[] | true>>;
  /** options of which it needs one, by name: with which of their values, or with any */
  onlyAny?: Readonly<Record<string, readonly string[] | true>>;
  /** options that it cannot be combined with, by name: with which of their values, or with any */
  not?: Readonly<Record<string, readonly string[] | true>>;
  /** the reason for `not`, as a message states it: `it writes leaves` */
  why?: string;
  /** the modes of the command that it is for; all when absent */
  for?: readonly string[];
  /** shown by --help; the others by --help-all */
  common?: true;
  /** no byte of the result depends on it */
  noBytes?: true;
  /** known, so that a message can say why there is no such thing: what follows the flag in it */
  refused?: string;
  /** the command line must have it */
  required?: true;
  /** options that it sets, by name, where they are not set themselves */
  sets?: readonly string[];
}

/** What --search tries of an option: some values, or of a number the default divided and multiplied by up to `span`. */
export interface SearchRange {
  /** numbers in ascending order, or words; none where there is nothing to try */
  among?: (options: never) => readonly (number | string)[];
  span?: number;
  /** whether it is searched with these options */
  when?: (options: never) => boolean;
}

/** Both ends are in the range. */
interface Range {
  min: number;
  max: number;
  search?: SearchRange;
}

/** How an option's text becomes a value. */
export interface Parsed<V> {
  /** what stands for the value in the help; a switch has none */
  placeholder?: string;
  choices?: readonly string[];
  /** `--no-NAME` sets it to false; "also": beside `--NAME` */
  negated?: true | "also";
  /** each time that the flag is given adds to it */
  repeats?: true;
  /** a text may hold several, with commas between them */
  commas?: true;
  /** the flag may stand without a value, which is true then */
  optional?: true;
  /** @param previous what the flag gave before, where it was given before @throws {UsageError} */
  parse?(text: string, flag: string, previous: V | undefined): V;
  /** what the value must be, and is not; undefined where it is */
  complaint?(value: V): string | undefined;
  /** the texts that `parse` turns into the value, where they do not follow from its kind (flag-words.ts) */
  texts?(value: V): readonly string[];
  /** what TypeScript may set it to, as the library's declarations say it; of `choices` these */
  type?: string;
  /** the value's type, for TypeScript alone */
  value?: V;
}

export type Option<V = unknown> = About<V> &
  Parsed<V> & { integer?: true; search?: SearchRange; min?: number; max?: number };
export type OptionTable = Readonly<Record<string, Option<never> | Option>>;

type ValueOf<O> = O extends Parsed<infer V> ? V : never;

/** What a user may set. */
export type Given<T> = { [K in keyof T]?: ValueOf<T[K]> };

/** What a command is given: what a user may set, and what must be set. */
export type GivenTo<T> = Given<T> & {
  [K in keyof T as T[K] extends { required: true } ? K : never]: ValueOf<T[K]>;
};

/** The same with every default. */
export type Resolved<T> = {
  [K in keyof T as T[K] extends { default: unknown } | { required: true } ? K : never]: ValueOf<T[K]>;
} & { [K in keyof T as T[K] extends { default: unknown } | { required: true } ? never : K]?: ValueOf<T[K]> };

/** The greatest number below 1: for a range that 1 is not in. */
export const BELOW_1 = 1 - Number.EPSILON / 2;

/** A number. */
export function number<const S extends About<number> & Range>(spec: S): S & Parsed<number> {
  return {
    placeholder: "x",
    ...spec,
    type: "number",
    parse: numberOf,
    complaint: (x) => rangeComplaint(spec, x, "a number"),
  };
}

/** A whole number. */
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

/** A share, which may be given in percent. */
export function share<const S extends About<number> & Range>(spec: S): S & Parsed<number> {
  return { ...number(spec), placeholder: "share", parse: shareOf };
}

/** A switch. */
export function flag<const S extends About<boolean> & { negated?: true | "also" }>(
  spec: S,
): S & Parsed<boolean> {
  return {
    ...spec,
    type: "boolean",
    complaint: (value) => unless(typeof value === "boolean", "true or false"),
  };
}

/** One of a few words. */
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

/** An option that the command has not, and why: `is not for this command: ...`. */
export function refused(why: string): About<never> & Parsed<never> & { refused: string } {
  return { placeholder: "x", help: why, group: "Model:", refused: why };
}

/** A text as it is: a column, a path. @param placeholder for the help: `column`, `file`, `run` */
export function text<const S extends About<string>>(placeholder: string, spec: S): S & Parsed<string> {
  return {
    ...spec,
    placeholder,
    type: "string",
    complaint: (value) => unless(typeof value === "string", `a ${placeholder}`),
  };
}

/** What TypeScript may set a list to. */
const TEXTS = "string | readonly string[]";

/** Names; takes commas and repeats, those of columns also ranges. */
export function list<const S extends About<string[]>>(placeholder: string, spec: S): S & Parsed<string[]> {
  const parse: Parsed<string[]>["parse"] = (given, flagName, previous = []) => {
    const names = given.split(",").filter((name) => name !== "");
    return [...previous, ...(placeholder === "columns" ? countedOut(names, flagName) : names)];
  };
  const complaint = textsComplaint(placeholder);
  return { ...spec, placeholder, type: TEXTS, repeats: true, commas: true, parse, complaint };
}

/** Texts that may hold a comma; repeats. */
export function texts<const S extends About<string[]>>(placeholder: string, spec: S): S & Parsed<string[]> {
  const parse: Parsed<string[]>["parse"] = (given, _, previous = []) => [...previous, given];
  return { ...spec, placeholder, type: TEXTS, repeats: true, parse, complaint: textsComplaint(placeholder) };
}

function textsComplaint(placeholder: string): (value: string[]) => string | undefined {
  const isText = (part: unknown) => typeof part === "string";
  return (value) => unless(Array.isArray(value) && value.every(isText), `a list of texts (${placeholder})`);
}

/** What is expected, unless it is there. From TypeScript a value may be of any kind. */
function unless(isRight: boolean, expected: string): string | undefined {
  return isRight ? undefined : expected;
}

/** A record by names, such as one column's value each. @param is whether a value is of the right kind */
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

/** A value with a parser of its own; from TypeScript it is also a text, which the parser takes. */
export function custom<V, const S extends About<V>>(
  placeholder: string,
  how: Pick<Parsed<V>, "parse" | "complaint" | "texts" | "repeats" | "optional"> & { type: string },
  spec: S,
): S & Parsed<V> & { type: string } {
  // how another option is read may be handed on whole: its help and default stay its own
  return { ...how, ...spec, placeholder };
}

/** Some of a table's options. */
export function pick<T extends OptionTable, K extends keyof T>(table: T, ...names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.map((name) => [name, table[name]])) as Pick<T, K>;
}

/** The table with some of its options as the common ones. */
export function withCommon<T extends OptionTable>(table: T, names: readonly (keyof T)[]): T {
  const all = Object.entries(table).map(([name, option]) =>
    names.includes(name) ? [name, { ...option, common: true }] : [name, option],
  );
  return Object.fromEntries(all) as T;
}

/** A table without some of its options. */
export function omit<T extends OptionTable, K extends keyof T>(table: T, ...names: readonly K[]): Omit<T, K> {
  const left = Object.entries(table).filter(([name]) => !names.includes(name as K));
  return Object.fromEntries(left) as Omit<T, K>;
}

/** A number. @throws {UsageError} not a finite one */
export function numberOf(given: string, flagName: string): number {
  const x = given.trim() === "" ? NaN : Number(given);
  if (!Number.isFinite(x)) throw new UsageError(`${flagName} expects a number, got '${given}'`);
  return x;
}

/** A number, or hundredths of it with a percent sign: `10%` is 0.1. @throws {UsageError} not a finite one */
export function shareOf(given: string, flagName: string): number {
  const percent = /^\s*(\d+(?:\.\d*)?|\.\d+)\s*%\s*$/.exec(given)?.[1];
  return percent === undefined ? numberOf(given, flagName) : Number(`${percent}e-2`);
}

/** A whole number of at least `min`. @throws {UsageError} */
export function wholeOf(given: string, flagName: string, min: number): number {
  const x = numberOf(given, flagName);
  if (!Number.isInteger(x) || x < min)
    throw new UsageError(`${flagName} expects an integer of at least ${min}, got '${given}'`);
  return x;
}

function rangeComplaint(range: Range, x: number, what: string): string | undefined {
  return unless(typeof x === "number" && x >= range.min && x <= range.max, rangeText(range, x, what));
}

/** Both bounds, as far as a user can meet them. */
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

/** The refusal of an option that a command has not. @param names those that it has */
export function noSuchOption(command: string, name: string, names: Iterable<string>): UsageError {
  const near = nearestName(name, names);
  const hint = near === undefined ? "" : `: did you mean '${near}'?`;
  return new UsageError(`${command} has no option '${name}'${hint}`);
}

/** The flag of an option, as the user types it. */
export function flagNamed(name: string, { negated }: Pick<Parsed<unknown>, "negated"> = {}): string {
  return negated === true ? flagOf(name).replace(/^--/, "--no-") : flagOf(name);
}

/**
 * Every option of a table as it is used: what the user set, else its default. Options of other tables are left out.
 *
 * @param facts what the data says, for defaults that depend on it
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

/** What decides a training's bytes, of what the user set. */
export function decisive(
  table: OptionTable,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given).filter(([name, value]) => value !== undefined && !table[name]?.noBytes),
  );
}
