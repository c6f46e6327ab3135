// The settings that --search tries: the options of a table that have a search range, and the values to draw for them.
//
//   spread     setting t of m: a Latin hypercube, so that each option is tried in each m-th of its range (McKay, Beckman and Conover 1979,
//              doi:10.2307/1268522); half of a range is within a quarter of its logarithm around the default, where a good value is likely
//   improving  of many draws, spread and near the best setting, the one from which a Gaussian process expects most (gaussian-process.ts)
//
// A number with a `span` is a coordinate in its logarithm: 0 is the default, -1 and 1 the ends of the span. Every draw is named by the seed,
// the setting and the option.

import { log, pow } from "../../numeric/exp.js";
import { shuffle, streamOf, uniformAt } from "../../numeric/hash.js";
import { ascending } from "../../numeric/indices.js";
import type { Option, OptionTable, SearchRange } from "../options/table.js";
import { fitImprovement } from "./gaussian-process.js";

/** Values of searched options, by name. */
export type Setting = Readonly<Record<string, number | string>>;

/** Names a search's draws among those of the seed. */
const SEARCH = 0x5ea7c4;
/** Draws until a setting is new. */
const ATTEMPTS = 64;
/** Draws that a Gaussian process chooses from. */
const CANDIDATES = 600;
/** Settings that it is fitted to: the best ones of more. */
const MOST_FITTED = 200;
/** Exponent of a draw's distance from the default. */
const CENTERING = 2;
/** Candidates near the best setting are within these shares of the logarithm of a span, and change each option so often. */
const NEAR = [0.5, 0.2];
const CHANGED = 0.7;
/** Coordinates of numbers end here. */
const FARTHEST = 4;
/** Coordinate of a word, so that two different words are at distance 1. */
const WORD = Math.SQRT1_2;
/** Share of the logarithm of a span beyond which a value is at the edge. */
const EDGE = 0.9;

/** A setting that was tried. */
interface ScoredSetting {
  setting: Setting;
  /** greater is better; -Infinity for one that failed */
  value: number;
}

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
   * A setting of the spread that is unlike all before.
   *
   * @param t from 1 to `numSpread`
   * @returns undefined where none is left
   */
  spread(t: number, numSpread: number, before: readonly Setting[]): Setting | undefined {
    const seen = new Set(before.map(keyOf));
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const stream = streamOf(this.#seed, SEARCH, t, attempt);
      const setting = this.#drawn((name, option, options) => {
        const i = this.#placeOf(name);
        const drawn = uniformAt(stream, i);
        const place = attempt > 0 ? drawn : (this.#stratum(i, t, numSpread) + drawn) / numSpread;
        return this.#around(option, name, place, options);
      });
      if (!seen.has(keyOf(setting))) return setting;
    }
    return undefined;
  }

  /**
   * The candidate that is expected to improve most on the settings before.
   *
   * @param t names the draws
   * @param before settings with their values: greater is better, -Infinity for one that failed
   * @returns undefined where no setting is left
   */
  improving(t: number, before: readonly ScoredSetting[]): Setting | undefined {
    const seen = new Set(before.map(({ setting }) => keyOf(setting)));
    const ranked = [...before].sort((a, b) => b.value - a.value).slice(0, MOST_FITTED);
    const best = ranked[0]!.setting;
    const expected = fitImprovement(
      ranked.map(({ setting }) => this.#coordinates(setting)),
      ranked.map(({ value }) => value),
    );
    let chosen: { setting: Setting; gain: number } | undefined;
    for (let candidate = 0; candidate < CANDIDATES; candidate++) {
      const stream = streamOf(this.#seed, SEARCH, t, candidate);
      const near = NEAR[(candidate % (NEAR.length + 1)) - 1];
      const setting = this.#drawn((name, option, options) => {
        const i = this.#placeOf(name);
        const drawn = uniformAt(stream, i);
        const value = best[name];
        if (near === undefined || value === undefined) return this.#around(option, name, drawn, options);
        const isKept = uniformAt(stream, this.#ranges.length + i) > CHANGED;
        return isKept ? value : nearValue(option, value, drawn, { options, share: near });
      });
      if (seen.has(keyOf(setting))) continue;
      const gain = expected(this.#coordinates(setting));
      if (!chosen || gain > chosen.gain) chosen = { setting, gain };
    }
    return chosen?.setting;
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

  #placeOf(name: string): number {
    return this.#ranges.findIndex(([one]) => one === name);
  }

  /** The value at a place from 0 to 1 of a range; the default is in the middle. */
  #around(option: Option, name: string, place: number, options: Options): number | string {
    const { among, span = 1 } = option.search!;
    const z = 2 * place - 1;
    const distance = (z < 0 ? -1 : 1) * pow(Math.abs(z), CENTERING);
    const middle = this.#standard[name] as number | string;
    if (!among) return limited(option, (middle as number) * pow(span, distance));
    const values = valuesOf(among, options);
    const at = values.indexOf(middle);
    if (typeof middle === "string" && at >= 0 && Math.abs(distance) < 1 / 4) return middle;
    if (typeof middle === "string" || at < 0)
      return values[Math.min(values.length - 1, Math.floor(place * values.length))]!;
    const reach = distance > 0 ? values.length - 1 - at : at;
    return values[Math.min(values.length - 1, Math.max(0, Math.round(at + distance * (reach + 1 / 2))))]!;
  }

  /** The coordinates of a setting; an option that does not apply is at its default. */
  #coordinates(setting: Setting): number[] {
    const options = { ...this.#standard, ...setting };
    return this.#ranges.flatMap(([name, { search }]) => {
      const { among, span = 1 } = search!;
      const value = setting[name];
      if (!among) return [coordinateOf(value as number | undefined, this.#standard[name] as number, span)];
      const values = valuesOf(among, this.#standard);
      if (values.some((one) => typeof one === "string"))
        return values.map((one) => (one === value ? WORD : 0));
      const own = valuesOf(among, options);
      const at = own.indexOf(value as number);
      return [at < 0 || own.length < 2 ? 0 : (2 * at) / (own.length - 1) - 1];
    });
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

/** The logarithm of a value, where the default is 0 and the end of the span 1; of values around 0 there is none. */
function coordinateOf(value: number | undefined, middle: number, span: number): number {
  if (value === undefined || value === middle || middle <= 0) return 0;
  return Math.max(-FARTHEST, Math.min(FARTHEST, log(value / middle) / log(span)));
}

/** A value near another: a number within a share of the logarithm of its span to either side, a listed value at most one step away. */
function nearValue(
  option: Option,
  near: number | string,
  drawn: number,
  { options, share }: { options: Options; share: number },
): number | string {
  const { among, span = 1 } = option.search!;
  if (!among) return limited(option, (near as number) * pow(span, share * (2 * drawn - 1)));
  const values = valuesOf(among, options);
  const at = values.indexOf(near);
  // words have no neighbors: the same word half of the time
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
