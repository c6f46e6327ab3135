// --search N: settings of the options that have a search range (of a factor model dim, learning rate and L2) tried on the validation part by successive halving.
//
//   N settings, 1 epoch ──► the better half, 2 epochs ──► the better half of these, 4 epochs ──► ... ──► the best one
//
// Source: Jamieson and Talwalkar 2016 (arXiv:1502.07943), figure 3, with epochs as the resource; a setting that goes on to the
// next round is trained anew. The first setting is the one that would be trained without a search.

import type { Trial } from "../embedding/manifest.js";
import { DivergedError, flagOf, UsageError } from "../errors.js";
import { pow } from "../numeric/exp.js";
import { streamOf, uniformAt } from "../numeric/hash-random.js";
import type { StoppingMetric } from "./controls.js";
import { checkRanges, type Option, type OptionTable, type SearchRange } from "./options/table.js";
import type { EpochEvent } from "./epoch.js";
import type { FeatureOptions } from "./trained.js";
import type { Watch } from "./watch.js";

/** Options that are searched, by name. */
type Setting = Record<string, number>;

/** Names a search's draws among those of the seed. */
const SEARCH = 0x5ea7c4;

export interface SearchRequest<O> {
  /** settings to try */
  trials: number;
  table: OptionTable;
  /** what would be trained without a search */
  standard: O;
  /** whether an option is set, and so not searched */
  isFixed: (name: string) => boolean;
  hasValidation: boolean;
  /** the loss where it is absent */
  stoppingMetric: SearchMetric | undefined;
  train: (options: O) => Promise<{ epochs: readonly EpochEvent[]; bestEpoch: number }>;
}

export type SearchMetric = Pick<StoppingMetric, "name" | "better">;

/** The options that have a range to search, in the order of the table. */
function searchedOf(table: OptionTable): [name: string, range: SearchRange][] {
  return Object.entries(table as Record<string, Option>).flatMap(([name, { search: range }]) =>
    range ? [[name, range] satisfies [string, SearchRange]] : [],
  );
}

/**
 * The options to train with, and how every setting went, the chosen one first.
 *
 * @throws {UsageError} there is no validation part, or nothing is left to search
 * @throws {DivergedError} every setting diverged
 */
export async function search<O extends FeatureOptions>(
  request: SearchRequest<O>,
  { observe }: Watch,
): Promise<{ options: O; trials: Trial[] }> {
  const { trials, standard, train, stoppingMetric } = request;
  checkRequest(request);
  const settings = Array.from({ length: trials }, (_, t) => settingOf(request, t));
  const seen = new Map<Setting, Trial>();

  // the better half goes on, for twice as many epochs
  let left = settings;
  for (let epochs = 1; ; epochs *= 2) {
    const most = Math.min(epochs, standard.epochs);
    for (const setting of left) {
      const options = { ...standard, ...setting, epochs: most };
      const trial = await tried(request.table, setting, options, train, stoppingMetric);
      seen.set(setting, trial);
      observe({ stage: "note", text: `search: ${trialText(setting, trial, stoppingMetric)}` });
    }
    const score = (setting: Setting) => scoreOf(seen.get(setting)!, stoppingMetric);
    // of two alike, the one drawn first
    left = [...left].sort((a, b) => score(a) - score(b) || settings.indexOf(a) - settings.indexOf(b));
    if (left.length === 1 || most === standard.epochs) break;
    left = left.slice(0, Math.ceil(left.length / 2));
  }
  const [best] = left;
  if (seen.get(best!)!.value === null) {
    throw new DivergedError(`all ${trials} settings of --search diverged: try a smaller --learning-rate`);
  }
  const order = [...left, ...settings.filter((setting) => !left.includes(setting))];
  return { options: { ...standard, ...best }, trials: order.map((setting) => seen.get(setting)!) };
}

function isSearched(range: SearchRange, options: unknown): boolean {
  const { when, among } = range as {
    when?: (options: unknown) => boolean;
    among?: (options: unknown) => readonly number[];
  };
  return (when?.(options) ?? true) && (!among || among(options).length > 0);
}

function checkRequest<O>({ hasValidation, isFixed, standard, table }: SearchRequest<O>): void {
  if (!hasValidation)
    throw new UsageError("--search compares settings on the validation split: set --valid to a share");
  const names = searchedOf(table).flatMap(([name, range]) => (isSearched(range, standard) ? [name] : []));
  if (names.every(isFixed))
    throw new UsageError(
      `--search tunes ${names.map(flagOf).join(", ")}, but all of them are set: omit at least one`,
    );
}

/** Setting t: the standard one first, the others drawn. A number is drawn evenly in its logarithm. */
function settingOf<O extends FeatureOptions>(
  { standard, isFixed, table }: SearchRequest<O>,
  t: number,
): Setting {
  const all = standard as unknown as Setting;
  const searched = searchedOf(table);
  // a word in the place of a number, such as --window session, is nothing to vary
  const isWord = (name: string) => typeof all[name] === "string";
  const setting = Object.fromEntries(
    searched
      .filter(([name, range]) => !isWord(name) && isSearched(range, standard))
      .map(([name]) => [name, all[name]!]),
  );
  if (t === 0) return setting;
  const stream = streamOf(standard.seed, SEARCH, t);
  for (const [i, [name, range]] of searched.entries()) {
    if (isFixed(name) || isWord(name) || !isSearched(range, standard)) continue;
    const among = (range.among as ((options: unknown) => readonly number[]) | undefined)?.(standard);
    const { span = 1 } = range;
    const drawn = uniformAt(stream, i);
    setting[name] = among
      ? among[Math.floor(drawn * among.length)]!
      : // three digits are enough to tell settings apart, and to be typed
        Number(((all[name]! * pow(span * span, drawn)) / span).toPrecision(3));
  }
  return setting;
}

async function tried<O extends FeatureOptions>(
  table: OptionTable,
  setting: Setting,
  options: O,
  train: SearchRequest<O>["train"],
  stoppingMetric: SearchMetric | undefined,
): Promise<Trial> {
  try {
    checkRanges(table, setting);
    const { epochs, bestEpoch } = await train(options);
    const value = stoppingValueOf(epochs[bestEpoch - 1]!, stoppingMetric);
    return { ...setting, epochs: epochs.length, bestEpoch, value };
  } catch (error) {
    if (!(error instanceof DivergedError)) throw error;
    return { ...setting, epochs: options.epochs, bestEpoch: 0, value: null };
  }
}

function stoppingValueOf(event: EpochEvent, stoppingMetric: SearchMetric | undefined): number {
  const value = stoppingMetric
    ? (event as unknown as Record<string, number>)[stoppingMetric.name]
    : event.validLoss;
  return value!;
}

/** Lower is better; what diverged is last. */
function scoreOf({ value }: Trial, stoppingMetric: SearchMetric | undefined): number {
  if (value === null) return Infinity;
  return stoppingMetric?.better === "higher" ? -value : value;
}

function trialText(
  setting: Setting,
  { epochs, value }: Trial,
  stoppingMetric: SearchMetric | undefined,
): string {
  const options = Object.entries(setting).map(([name, x]) => `${titleOfOption(name)} ${x}`);
  const name = stoppingMetric?.name ?? "valid loss";
  const how = value === null ? "diverged" : `${name} ${value.toFixed(5)}`;
  return `${options.join(", ")}, ${epochs} ${epochs === 1 ? "epoch" : "epochs"}: ${how}`;
}

/** `learning rate` of learningRate. */
function titleOfOption(name: string): string {
  return flagOf(name).slice(2).replaceAll("-", " ");
}
