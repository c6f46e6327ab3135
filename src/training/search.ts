// --search N: settings of dim, learning rate and L2 tried on the validation part by successive halving.
//
//   N settings, 1 epoch ──► the better half, 2 epochs ──► the better half of these, 4 epochs ──► ... ──► the best one
//
// Source: Jamieson and Talwalkar 2016 (arXiv:1502.07943), figure 3, with epochs as the resource; a setting that goes on to the
// next round is trained anew. The first setting is the one that would be trained without a search.

import type { Trial } from "../embedding/manifest.js";
import { DivergedError, UsageError } from "../errors.js";
import { pow } from "../numeric/exp.js";
import { streamOf, uniformAt } from "../numeric/hash-random.js";
import type { Judge } from "./controls.js";
import { checkFmOptions, type FmOptions, type Method } from "../trainers/fm/options.js";
import type { Trained } from "./trained.js";
import type { Examples } from "./examples.js";
import type { Watch } from "./watch.js";

/** What is searched. */
type Setting = Pick<FmOptions, "dim" | "learningRate" | "l2Weight" | "l2Vector">;
type Name = keyof Setting;

/** What a method has of it; all where it is not named. */
const searchedBy: Partial<Record<Method, readonly Name[]>> = { als: ["dim", "l2Weight", "l2Vector"] };
/** Lengths that are tried; of a field-aware machine's, which has one vector for each field, shorter ones. */
const DIMS = { fm: [8, 16, 32, 64], ffm: [2, 4, 8, 16] };
/** A number is tried from its default divided by this to its default times this, evenly in its logarithm. */
const SPANS = { learningRate: 4, l2Weight: 10, l2Vector: 10 } as const;
/** Names a search's draws among those of the seed. */
const SEARCH = 0x5ea7c4;

export interface SearchRequest {
  /** settings to try */
  trials: number;
  /** what would be trained without a search */
  standard: FmOptions;
  /** what the user set: it is not searched */
  fixed: readonly string[];
  examples: Examples;
  judge: Judge | undefined;
  train: (options: FmOptions) => Promise<Trained>;
}

/**
 * The options to train with, and how every setting went, the chosen one first.
 *
 * @throws {UsageError} there is no validation part, or nothing is left to search
 * @throws {DivergedError} every setting diverged
 */
export async function search(
  request: SearchRequest,
  { observe }: Watch,
): Promise<{ options: FmOptions; trials: Trial[] }> {
  const { trials, standard, train, judge } = request;
  checkRequest(request);
  const settings = Array.from({ length: trials }, (_, t) => settingOf(request, t));
  const seen = new Map<Setting, Trial>();

  // the better half goes on, for twice as many epochs
  let left = settings;
  for (let epochs = 1; ; epochs *= 2) {
    const most = Math.min(epochs, standard.epochs);
    for (const setting of left) {
      const trial = await tried(setting, { ...standard, ...setting, epochs: most }, train, judge);
      seen.set(setting, trial);
      observe({ stage: "note", text: `search: ${trialText(trial, judge)}` });
    }
    const score = (setting: Setting) => scoreOf(seen.get(setting)!, judge);
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

/** @throws {UsageError} the method's settings cannot be told apart after a few epochs */
export function checkSearch(trials: number | undefined, { method }: Partial<FmOptions>): void {
  if (trials === undefined || method !== "mcmc") return;
  throw new UsageError(
    "--search compares settings after 1, 2, 4 ... epochs, when a chain of --method mcmc has yet to arrive; " +
      "it draws its L2 and has no learning rate: compare a --dim of 4, 8 and 16 by their validation loss",
  );
}

function searchedOf({ method }: FmOptions): readonly Name[] {
  return searchedBy[method] ?? ["dim", "learningRate", "l2Weight", "l2Vector"];
}

function checkRequest({ examples, fixed, standard }: SearchRequest): void {
  if (!examples.valid)
    throw new UsageError("--search compares settings on the validation part: give --valid a share");
  if (searchedOf(standard).every((name) => fixed.includes(name)))
    throw new UsageError("--search tries dim, learning rate and L2, and all of them are set: leave one out");
}

/** Setting t: the standard one first, the others drawn. */
function settingOf({ standard, fixed }: SearchRequest, t: number): Setting {
  const { dim, learningRate, l2Weight, l2Vector, seed } = standard;
  const setting: Setting = { dim, learningRate, l2Weight, l2Vector };
  if (t === 0) return setting;
  const stream = streamOf(seed, SEARCH, t);
  const dims = standard.model === "lr" ? [] : DIMS[standard.model];
  if (!fixed.includes("dim") && dims.length > 0)
    setting.dim = dims[Math.floor(uniformAt(stream, 0) * dims.length)]!;
  for (const [i, name] of (["learningRate", "l2Weight", "l2Vector"] as const).entries()) {
    if (fixed.includes(name) || !searchedOf(standard).includes(name)) continue;
    const span = SPANS[name];
    const drawn = (standard[name] * pow(span * span, uniformAt(stream, 1 + i))) / span;
    // three digits are enough to tell settings apart, and to be typed
    setting[name] = Number(drawn.toPrecision(3));
  }
  return setting;
}

async function tried(
  setting: Setting,
  options: FmOptions,
  train: SearchRequest["train"],
  judge: Judge | undefined,
): Promise<Trial> {
  try {
    checkFmOptions(options);
    const { epochs, bestEpoch } = await train(options);
    const value = judgedOf(epochs[bestEpoch - 1]!, judge);
    return { ...setting, epochs: epochs.length, bestEpoch, value };
  } catch (error) {
    if (!(error instanceof DivergedError)) throw error;
    return { ...setting, epochs: options.epochs, bestEpoch: 0, value: null };
  }
}

function judgedOf(event: Trained["epochs"][number], judge: Judge | undefined): number {
  const value = judge ? (event as unknown as Record<string, number>)[judge.name] : event.validLoss;
  return value!;
}

/** Lower is better; what diverged is last. */
function scoreOf({ value }: Trial, judge: Judge | undefined): number {
  if (value === null) return Infinity;
  return judge?.better === "higher" ? -value : value;
}

function trialText(
  { dim, learningRate, l2Weight, l2Vector, epochs, value }: Trial,
  judge: Judge | undefined,
): string {
  const name = judge?.name ?? "valid loss";
  const how = value === null ? "diverged" : `${name} ${value.toFixed(5)}`;
  return `dim ${dim}, learning rate ${learningRate}, l2 ${l2Weight} and ${l2Vector}, ${epochs} ${epochs === 1 ? "epoch" : "epochs"}: ${how}`;
}
