// The settings that --search tries: the options of a table that have a search range, and the sampling of their values.
//
//   spread     setting t of m: a Latin hypercube, so that each option is tried once in each m-th of its range (McKay,
//              Beckman and Conover 1979, doi:10.2307/1268522). Half of the samples are within a quarter of the range's
//              logarithm around the default, where a good value is likely
//   improving  the setting with the largest expected improvement according to a Gaussian process (gaussian-process.ts),
//              among random samples from the whole space and near the best setting
//
// The coordinate of a number with a `span` is its logarithm, where 0 is the default and -1 and 1 are the ends of the
// span. The random numbers of a sample depend only on the seed, the setting's number and the option.

import { log, pow } from "../../base/numeric/exp.js";
import { shuffle, streamOf, uniformAt } from "../../base/numeric/hash.js";
import { ascending } from "../../base/numeric/indices.js";
import type { Option, OptionTable, SearchRange } from "../../options/table.js";
import { fitImprovement } from "./gaussian-process.js";

export type SearchSetting = Readonly<Record<string, number | string>>;

/** Name of the search's stream of random numbers, different from other streams of the seed. */
const SEARCH = 0x5ea7c4;
const ATTEMPTS = 64;
const CANDIDATES = 600;
/** Maximum number of settings to which the Gaussian process is fitted: those with the best values. */
const MOST_FITTED = 200;
/** Sampled numbers are concentrated near the default by this exponent of their relative distance from it. */
const CENTERING = 2;
/** Candidates near the best setting change each option with probability CHANGED, a number by at most span^NEAR. */
const NEAR = [0.5, 0.2];
const CHANGED = 0.7;
/** Coordinates of numbers (0 for the default, 1 for the end of the range) are clipped to this distance from 0. */
const FARTHEST = 4;
/** Coordinate of the chosen word of a list, else 0: two settings with different words then have the distance 1. */
const WORD = Math.SQRT1_2;
/** A number is at the edge if it is this fraction of the way from the default to an end, on a logarithmic scale. */
const EDGE = 0.9;

interface ScoredSetting {
  setting: SearchSetting;
  /** value of the setting, where greater is better; -Infinity if it failed */
  value: number;
}

type Options = Readonly<Record<string, unknown>>;

interface SpaceOptions {
  table: OptionTable;
  /** options of the default training, which are the middle of each searched range and decide whether conditions hold */
  standard: Options;
  /** whether the user or an earlier run determines the option, so that it is not searched */
  isFixed: (name: string) => boolean;
  seed: number;
}

interface Edge {
  name: string;
  value: number;
  /** value beyond this end to try next; undefined for an option with listed values */
  beyond: number | undefined;
}

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

  get names(): string[] {
    const isSearched = (other: string) => this.#ranges.some(([name]) => name === other);
    const mayApply = ([, option]: [string, Option]) =>
      applies(option, this.#standard) || Object.keys(option.only ?? {}).some(isSearched);
    return this.#ranges.filter(mayApply).map(([name]) => name);
  }

  get standard(): SearchSetting {
    return this.#drawSetting((name) => this.#standard[name] as number | string);
  }

  /** Returns setting t (from 1) of the Latin hypercube, unlike all earlier ones; undefined if none was found. */
  spread(t: number, numSpread: number, before: readonly SearchSetting[]): SearchSetting | undefined {
    const seen = new Set(before.map(keyOf));
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const stream = streamOf(this.#seed, SEARCH, t, attempt);
      const setting = this.#drawSetting((name, option, options) => {
        const i = this.#placeOf(name);
        const uniform = uniformAt(stream, i);
        const place = attempt > 0 ? uniform : (this.#stratum(i, t, numSpread) + uniform) / numSpread;
        return this.#around(option, name, place, options);
      });
      if (!seen.has(keyOf(setting))) return setting;
    }
    return undefined;
  }

  /** Returns the candidate with the largest expected improvement; undefined if none is new. @param t seeds the draws */
  improving(t: number, before: readonly ScoredSetting[]): SearchSetting | undefined {
    const seen = new Set(before.map(({ setting }) => keyOf(setting)));
    const ranked = [...before].sort((a, b) => b.value - a.value).slice(0, MOST_FITTED);
    const best = ranked[0]!.setting;
    const expected = fitImprovement(
      ranked.map(({ setting }) => this.#coordinates(setting)),
      ranked.map(({ value }) => value),
    );
    let chosen: { setting: SearchSetting; gain: number } | undefined;
    for (let candidate = 0; candidate < CANDIDATES; candidate++) {
      const stream = streamOf(this.#seed, SEARCH, t, candidate);
      const near = NEAR[(candidate % (NEAR.length + 1)) - 1];
      const setting = this.#drawSetting((name, option, options) => {
        const i = this.#placeOf(name);
        const uniform = uniformAt(stream, i);
        const value = best[name];
        if (near === undefined || value === undefined) return this.#around(option, name, uniform, options);
        const isKept = uniformAt(stream, this.#ranges.length + i) > CHANGED;
        return isKept ? value : nearValue(option, value, uniform, { options, share: near });
      });
      const gain = expected(this.#coordinates(setting));
      if ((!chosen || gain > chosen.gain) && !seen.has(keyOf(setting))) chosen = { setting, gain };
    }
    return chosen?.setting;
  }

  /** Returns the options whose value is at an end of the searched range, in the order of the table of options. */
  edgesOf(setting: SearchSetting): Edge[] {
    return this.#ranges.flatMap(([name, option]): Edge[] => {
      const value = setting[name];
      // a value at the default or at a bound of the option itself is not at an edge of the search
      const ends = [option.min, option.max, this.#standard[name]];
      if (typeof value !== "number" || ends.includes(value)) return [];
      const { among, span = 1 } = option.search!;
      if (among) {
        const values = amongValues(among, { ...this.#standard, ...setting }) as number[];
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

  /** Chooses a value for each searched option that applies, given the values chosen for the options before it. */
  #drawSetting(valueOf: (name: string, option: Option, options: Options) => number | string): SearchSetting {
    const setting: Record<string, number | string> = {};
    for (const [name, option] of this.#ranges) {
      const options = { ...this.#standard, ...setting };
      if (applies(option, options)) setting[name] = valueOf(name, option, options);
    }
    return setting;
  }

  #stratum(i: number, t: number, spread: number): number {
    const order = ascending(spread);
    shuffle(order, streamOf(this.#seed, SEARCH, 0, i));
    return order[t - 1]!;
  }

  #placeOf(name: string): number {
    return this.#ranges.findIndex(([one]) => one === name);
  }

  /** Returns the value at a relative position from 0 to 1 in a range; the default is in the middle. */
  #around(option: Option, name: string, place: number, options: Options): number | string {
    const { among, span = 1 } = option.search!;
    const z = 2 * place - 1;
    const distance = (z < 0 ? -1 : 1) * pow(Math.abs(z), CENTERING);
    const middle = this.#standard[name] as number | string;
    if (!among) return limited(option, (middle as number) * pow(span, distance));
    const values = amongValues(among, options);
    const at = values.indexOf(middle);
    if (typeof middle === "string" && at >= 0 && Math.abs(distance) < 1 / 4) return middle;
    if (typeof middle === "string" || at < 0)
      return values[Math.min(values.length - 1, Math.floor(place * values.length))]!;
    const reach = distance > 0 ? values.length - 1 - at : at;
    return values[Math.min(values.length - 1, Math.max(0, Math.round(at + distance * (reach + 1 / 2))))]!;
  }

  /** One coordinate per number and per word of an option with words; of the default if an option does not apply. */
  #coordinates(setting: SearchSetting): number[] {
    const options = { ...this.#standard, ...setting };
    const coordinates: number[] = [];
    for (const [name, { search }] of this.#ranges) {
      const { among, span = 1 } = search!;
      const value = setting[name];
      if (!among) {
        coordinates.push(coordinateOf(value as number | undefined, this.#standard[name] as number, span));
        continue;
      }
      const values = amongValues(among, this.#standard);
      if (values.some((one) => typeof one === "string")) {
        for (const one of values) coordinates.push(one === value ? WORD : 0);
        continue;
      }
      const own = amongValues(among, options);
      const at = own.indexOf(value as number);
      coordinates.push(at < 0 || own.length < 2 ? 0 : (2 * at) / (own.length - 1) - 1);
    }
    return coordinates;
  }
}

function rangesOf(table: OptionTable): [name: string, option: Option][] {
  return Object.entries(table as Record<string, Option>).filter(([, { search }]) => search !== undefined);
}

/** Whether the default of an option can be varied. A word in place of a number, such as --window session, cannot. */
function isVaried({ search }: Option, value: unknown, standard: Options): boolean {
  const { among } = search!;
  if (typeof value === "number") return true;
  return (
    typeof value === "string" &&
    among !== undefined &&
    amongValues(among, standard).some((x) => typeof x === "string")
  );
}

export function searchedNames(table: OptionTable): string[] {
  return rangesOf(table).map(([name]) => name);
}

function applies({ only = {}, search = {} }: Option, options: Options): boolean {
  const goesWith = Object.entries(only).every(([other, values]) =>
    values === true ? options[other] !== undefined : values.includes(String(options[other])),
  );
  const { when, among } = search as SearchRange & { when?: (options: unknown) => boolean };
  return goesWith && (when?.(options) ?? true) && (!among || amongValues(among, options).length > 1);
}

function amongValues(
  among: NonNullable<SearchRange["among"]>,
  options: Options,
): readonly (number | string)[] {
  return (among as (options: unknown) => readonly (number | string)[])(options);
}

/** Returns a coordinate on a logarithmic scale: 0 for the default; always 0 if the default is not positive. */
function coordinateOf(value: number | undefined, middle: number, span: number): number {
  if (value === undefined || value === middle || middle <= 0) return 0;
  return Math.max(-FARTHEST, Math.min(FARTHEST, log(value / middle) / log(span)));
}

/** Samples a number within a factor of span^share, or a listed value at most one step away in the list. */
function nearValue(
  option: Option,
  near: number | string,
  uniform: number,
  { options, share }: { options: Options; share: number },
): number | string {
  const { among, span = 1 } = option.search!;
  if (!among) return limited(option, (near as number) * pow(span, share * (2 * uniform - 1)));
  const values = amongValues(among, options);
  const at = values.indexOf(near);
  // words have no order, so the same word is kept half of the time
  if (typeof near === "string" && at >= 0 && uniform < 0.5) return near;
  if (typeof near === "string" || at < 0) return values[Math.floor(uniform * values.length)]!;
  return values[Math.min(values.length - 1, Math.max(0, at - 1 + Math.floor(3 * uniform)))]!;
}

/** Rounds to three significant digits, which distinguish settings and are short to type, and clips to the bounds. */
function limited({ integer, min = -Infinity, max = Infinity }: Option, value: number): number {
  const rounded = integer ? Math.round(value) : Number(value.toPrecision(3));
  return Math.min(max, Math.max(min, rounded));
}

function keyOf(setting: SearchSetting): string {
  return JSON.stringify(Object.entries(setting).sort(([a], [b]) => (a < b ? -1 : 1)));
}
