// The settings that --search tries: the options of a table that have a search range, and the values to draw for them.
//
//   spread   setting t of m: a Latin hypercube, so that each option is tried in each m-th of its range
//            (McKay, Beckman and Conover 1979, doi:10.2307/1268522)
//   near     around another setting: numbers within the square root of their span, listed values one step away
//
// A number with a `span` is drawn evenly in its logarithm. Every draw is named by the seed, the setting and the option.

import { pow } from "../../numeric/exp.js";
import { shuffle, streamOf, uniformAt } from "../../numeric/hash.js";
import { ascending } from "../../numeric/indices.js";
import type { Option, OptionTable, SearchRange } from "../options/table.js";

/** Values of searched options, by name. */
export type Setting = Readonly<Record<string, number | string>>;

/** Names a search's draws among those of the seed. */
const SEARCH = 0x5ea7c4;
/** Draws until a setting is new. */
const ATTEMPTS = 64;
/** Share of the logarithm of a span beyond which a value is at the edge. */
const EDGE = 0.9;

type Options = Readonly<Record<string, unknown>>;

export interface SpaceOptions {
  table: OptionTable;
  /** what the default training used: the middle of each span, and what conditions are about */
  standard: Options;
  /** whether an option is set, and so not searched */
  isFixed: (name: string) => boolean;
  seed: number;
}

/** A value at an end of what is searched. */
interface Edge {
  name: string;
  value: number;
  /** what a user might try next; undefined of listed values */
  beyond: number | undefined;
}

/** The options to search and their values. */
export class SearchSpace {
  readonly #ranges: readonly [name: string, option: Option][];
  readonly #standard: Options;
  readonly #seed: number;

  constructor({ table, standard, isFixed, seed }: SpaceOptions) {
    this.#ranges = rangesOf(table).filter(
      ([name, option]) => !isFixed(name) && isVaried(option, standard[name], standard),
    );
    this.#standard = standard;
    this.#seed = seed;
  }

  /** Those that some setting may vary. */
  get names(): string[] {
    const isSearched = (other: string) => this.#ranges.some(([name]) => name === other);
    const mayApply = ([, option]: [string, Option]) =>
      applies(option, this.#standard) || Object.keys(option.only ?? {}).some(isSearched);
    return this.#ranges.filter(mayApply).map(([name]) => name);
  }

  /** The values of the default training. */
  get standard(): Setting {
    return this.#drawn((name) => this.#standard[name] as number | string);
  }

  /**
   * A setting unlike all before.
   *
   * @param t from 1 @param spread settings that are spread over the ranges: 1 .. spread
   * @param best what later ones are near to
   * @returns undefined where none is left
   */
  next(t: number, spread: number, best: Setting, before: readonly Setting[]): Setting | undefined {
    const seen = new Set(before.map(keyOf));
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const stream = streamOf(this.#seed, SEARCH, t, attempt);
      const setting = this.#drawn((name, option, options) => {
        const i = this.#ranges.findIndex(([one]) => one === name);
        const drawn = uniformAt(stream, i);
        const near = best[name];
        // one that is seen already is drawn anywhere in the end
        if (t > spread && near !== undefined && attempt < ATTEMPTS / 2)
          return nearValue(option, near, drawn, options);
        const place = t > spread || attempt > 0 ? drawn : (this.#stratum(i, t, spread) + drawn) / spread;
        return this.#valueAt(option, name, place, options);
      });
      if (!seen.has(keyOf(setting))) return setting;
    }
    return undefined;
  }

  /** Options whose value is at an end of what is searched, in the order of the table. */
  edgesOf(setting: Setting): Edge[] {
    return this.#ranges.flatMap(([name, option]): Edge[] => {
      const value = setting[name];
      // where the default is, or the option itself ends, nothing was cut off
      const ends = [option.min, option.max, this.#standard[name]];
      if (typeof value !== "number" || ends.includes(value)) return [];
      const { among, span = 1 } = option.search!;
      if (among) {
        const values = valuesOf(among, { ...this.#standard, ...setting }) as number[];
        const at = values.indexOf(value);
        const isEnd = values.length > 2 && (at === 0 || at === values.length - 1);
        return isEnd ? [{ name, value, beyond: undefined }] : [];
      }
      const middle = this.#standard[name] as number;
      const factor = pow(span, EDGE);
      if (value < middle * factor && value > middle / factor) return [];
      const beyond = limited(option, value > middle ? 2 * value : value / 2);
      return [{ name, value, beyond }];
    });
  }

  /** A value for each option that applies beside those before it, in the order of the table. */
  #drawn(valueOf: (name: string, option: Option, options: Options) => number | string): Setting {
    const setting: Record<string, number | string> = {};
    for (const [name, option] of this.#ranges) {
      const options = { ...this.#standard, ...setting };
      if (applies(option, options)) setting[name] = valueOf(name, option, options);
    }
    return setting;
  }

  /** The part of a range that setting t has for itself. */
  #stratum(i: number, t: number, spread: number): number {
    const order = ascending(spread);
    shuffle(order, streamOf(this.#seed, SEARCH, 0, i));
    return order[t - 1]!;
  }

  #valueAt(option: Option, name: string, place: number, options: Options): number | string {
    const { among, span = 1 } = option.search!;
    if (among) {
      const values = valuesOf(among, options);
      return values[Math.floor(place * values.length)]!;
    }
    return limited(option, ((this.#standard[name] as number) * pow(span * span, place)) / span);
  }
}

/** Options with a range, in the order of the table. */
function rangesOf(table: OptionTable): [name: string, option: Option][] {
  return Object.entries(table as Record<string, Option>).filter(([, { search }]) => search !== undefined);
}

/** Whether a value is of the kind that is tried: a word in the place of a number, such as --window session, is nothing to vary. */
function isVaried({ search }: Option, value: unknown, standard: Options): boolean {
  const { among } = search!;
  if (typeof value === "number") return true;
  return (
    typeof value === "string" &&
    among !== undefined &&
    valuesOf(among, standard).some((x) => typeof x === "string")
  );
}

/** Flags that a search of the table may vary, whatever else is set. */
export function searchedNames(table: OptionTable): string[] {
  return rangesOf(table).map(([name]) => name);
}

/** Whether an option goes with the others, and has something to try. */
function applies({ only = {}, search = {} }: Option, options: Options): boolean {
  const goesWith = Object.entries(only).every(([other, values]) =>
    values === true ? options[other] !== undefined : values.includes(String(options[other])),
  );
  const { when, among } = search as SearchRange & { when?: (options: unknown) => boolean };
  return goesWith && (when?.(options) ?? true) && (!among || valuesOf(among, options).length > 1);
}

function valuesOf(among: NonNullable<SearchRange["among"]>, options: Options): readonly (number | string)[] {
  return (among as (options: unknown) => readonly (number | string)[])(options);
}

function nearValue(option: Option, near: number | string, drawn: number, options: Options): number | string {
  const { among, span = 1 } = option.search!;
  if (!among) return limited(option, (near as number) * pow(span, drawn - 0.5));
  const values = valuesOf(among, options);
  const at = values.indexOf(near);
  // words have no neighbours: the same word half of the time
  if (typeof near === "string" && at >= 0 && drawn < 0.5) return near;
  if (typeof near === "string" || at < 0) return values[Math.floor(drawn * values.length)]!;
  return values[Math.min(values.length - 1, Math.max(0, at - 1 + Math.floor(3 * drawn)))]!;
}

/** Three digits are enough to tell settings apart, and to be typed. */
function limited({ integer, min = -Infinity, max = Infinity }: Option, value: number): number {
  const rounded = integer ? Math.round(value) : Number(value.toPrecision(3));
  return Math.min(max, Math.max(min, rounded));
}

function keyOf(setting: Setting): string {
  return JSON.stringify(Object.entries(setting).sort(([a], [b]) => (a < b ? -1 : 1)));
}
