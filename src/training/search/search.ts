// --search N: trains N settings of the options that have a search range, with early stopping, and compares them on the
// validation split. The best setting is then trained as if the user had typed it; if the best setting is not
// significantly better than the default, the default is trained instead.
//
//   default ──► a quarter of N, spread around it ──► the other settings, each by expected improvement
//     ──► training with the best setting, or with the default
//
// No setting is dropped after a few epochs: docs/experiments/search.md compares that with successive halving.

import type { PartMetrics, SearchedBy, Trial } from "../../table/manifest.js";
import type { TrialLine } from "../../table/run-directory.js";
import { DataError, DivergedError, flagOf, UsageError } from "../../base/errors.js";
import { goodness, titleOf } from "../../metrics/metrics.js";
import { differenceOf, type UserMetric } from "../../metrics/user-metric.js";
import { BEFORE_DATA } from "../session/feature-training.js";
import { checkRanges } from "../../options/check-given.js";
import { resolved, type OptionTable } from "../../options/table.js";
import { SearchSpace, searchedNames, type SearchSetting } from "./search-space.js";
import type { EpochEvent } from "../epochs/epoch-loop.js";
import type { Watch } from "../session/watch.js";

/** Result of training with one setting, without metrics of the test split. */
export interface Tried {
  /** every option of the training, with defaults applied */
  used: Readonly<Record<string, unknown>>;
  valid: PartMetrics | undefined;
  epochs: readonly EpochEvent[];
  bestEpoch: number;
  byUnit?: (() => Promise<readonly UserMetric[]>) | undefined;
}

/** State of a search. A search that resumes from it continues as if it had not stopped. */
export interface SearchState {
  trials: TrialLine[];
  /** options of the default training; undefined before it has ended */
  standard?: Record<string, unknown>;
  metric?: string;
  /** the metric with the contribution of each row or user, for the default training and for the best setting so far */
  units: { standard?: UserMetric; best?: UserMetric };
}

export interface SearchRequest {
  trials: number;
  table: OptionTable;
  given: Readonly<Record<string, unknown>>;
  seed: number;
  /** name of the step that early stopping counts, if it is not an epoch: `tree` */
  round?: string | undefined;
  /** options whose values an earlier run determines */
  decided: readonly string[];
  comparedBy: (valid: PartMetrics) => string;
  tryOut: (setting: SearchSetting) => Promise<Tried>;
  found: SearchState | undefined;
  save(state: SearchState): Promise<void>;
}

export interface Searched {
  /** options of the final training; empty if no setting is significantly better than the default */
  setting: SearchSetting;
  /** the tried settings, the best one first */
  trials: Trial[];
  lines: TrialLine[];
  by: SearchedBy;
  warnings: string[];
}

/** Results do not depend on the thread count. @throws {DivergedError} every setting diverged */
export async function search(
  request: SearchRequest,
  { observe, signal, timeLeft = () => Infinity }: Pick<Watch, "observe" | "signal" | "timeLeft">,
): Promise<Searched> {
  const { trials, table, given, decided, round = "epoch" } = request;
  const state: SearchState = request.found ?? { trials: [], units: {} };
  const isFixed = (name: string) => decided.includes(name) || isSet(table, given, name);
  checkOpen(table, isFixed);
  const note = (text: string) => observe({ stage: "note", text });
  const numSpread = Math.max(2, Math.ceil(trials / 4));
  let longest = 0;
  let isOver = false;

  for (let t = state.trials.length; t < trials; t++) {
    signal.throwIfAborted();
    // the remaining time must suffice for one more setting and for the final training
    isOver = timeLeft() < 2 * longest;
    if (isOver) break;
    const start = performance.now();
    const setting = t === 0 ? {} : nextSetting(state, spaceOf(request, state, isFixed), t, numSpread);
    if (!setting) {
      note(`search: there are no more than ${t} different settings`);
      break;
    }
    const { used, units, ...outcome } = await tried(request, state, setting, t);
    let options = setting;
    if (t === 0) {
      if (used) state.standard = used;
      const space = spaceOf(request, state, isFixed);
      options = space.standard;
      if (Object.keys(options).length === 0) throw nothingToTry(table, given);
      note(spaceText(space, table, isFixed));
      if (units) state.units.standard = units;
    }
    const line: TrialLine = { trial: t + 1, options, ...outcome };
    const isBest = scoreOf(state, line) > scoreOf(state, bestOf(state));
    state.trials.push(line);
    if (units && isBest) state.units.best = units;
    await request.save(state);
    observe({ stage: "training", text: trialText(line, state.metric, round), done: t + 1, of: trials });
    longest = Math.max(longest, performance.now() - start);
  }
  const found = searchResult(state, spaceOf(request, state, isFixed));
  if (isOver)
    found.warnings.push(`the budget ended --search after ${state.trials.length} of ${trials} settings`);
  return found;
}

function nextSetting(
  state: SearchState,
  space: SearchSpace,
  t: number,
  numSpread: number,
): SearchSetting | undefined {
  const before = state.trials.map((line) => ({ setting: line.options, value: scoreOf(state, line) }));
  if (t <= numSpread)
    return space.spread(
      t,
      numSpread,
      before.map(({ setting }) => setting),
    );
  return space.improving(t, before);
}

function isSet(table: OptionTable, given: SearchRequest["given"], name: string): boolean {
  const setBy = Object.keys(given).filter((other) => given[other] !== undefined);
  return setBy.some((other) => other === name || table[other]?.sets?.includes(name));
}

function checkOpen(table: OptionTable, isFixed: (name: string) => boolean): void {
  const names = searchedNames(table);
  if (names.every(isFixed))
    throw new UsageError(
      `--search tunes ${names.map(flagOf).join(", ")}, but all of them are set: omit at least one`,
    );
}

function nothingToTry(table: OptionTable, given: SearchRequest["given"]): UsageError {
  const names = searchedNames(table);
  const set = names.filter((name) => isSet(table, given, name));
  return new UsageError(
    `--search has nothing to tune with these options: it tunes ${names.map(flagOf).join(", ")}` +
      (set.length > 0 ? `, of which ${set.map(flagOf).join(", ")} are set and the others do not apply` : ""),
  );
}

function spaceOf(
  { table, given, seed }: SearchRequest,
  { standard }: SearchState,
  isFixed: (name: string) => boolean,
): SearchSpace {
  // if the default training diverged, there is no `standard`; the defaults for typical data are used then
  const used = standard ?? resolved(table, given, { ...BEFORE_DATA });
  return new SearchSpace({ table, standard: used, isFixed, seed });
}

type Outcome = Pick<TrialLine, "epochs" | "bestEpoch" | "value" | "curve" | "failed"> & {
  used?: Record<string, unknown>;
  units?: UserMetric | undefined;
};

async function tried(
  { table, tryOut, comparedBy }: SearchRequest,
  state: SearchState,
  setting: SearchSetting,
  t: number,
): Promise<Outcome> {
  const failed = (why: string): Outcome => ({ epochs: 0, bestEpoch: 0, value: null, curve: [], failed: why });
  try {
    checkRanges(table, setting);
    const { used, valid, epochs, bestEpoch, byUnit } = await tryOut(setting);
    if (!valid || Object.keys(valid).length === 0) throw noMetric();
    const metric = (state.metric ??= comparedBy(valid));
    const value = valid[metric];
    if (typeof value !== "number") throw unknownMetric(metric, valid);
    const curve = epochs.flatMap((event) => numberIn(event, metric) ?? event.validLoss ?? []);
    const counts = { epochs: epochs.length, bestEpoch, curve, used: { ...used } };
    if (!Number.isFinite(value)) return { ...failed(`${titleOf(metric)} is ${value}`), ...counts };
    // metric values by row are computed only for the settings that are finally compared
    const isNeeded = t === 0 || goodnessOf(metric, value) > scoreOf(state, bestOf(state));
    const units = isNeeded ? (await byUnit?.())?.find(({ name }) => name === metric) : undefined;
    return { ...counts, value, units };
  } catch (error) {
    const isOwn = error instanceof UsageError || error instanceof DataError;
    if (error instanceof DivergedError || (t > 0 && isOwn)) return failed(error.message);
    throw error;
  }
}

function numberIn(event: EpochEvent, metric: string): number | undefined {
  const value = (event as unknown as Record<string, unknown>)[metric];
  return typeof value === "number" ? value : undefined;
}

function noMetric(): UsageError {
  return new UsageError(
    "--search compares settings on the validation split, but nothing can be measured there: choose another " +
      "--valid or --split",
  );
}

function unknownMetric(metric: string, valid: PartMetrics): UsageError {
  const names = Object.keys(valid).filter((name) => typeof valid[name] === "number");
  return new UsageError(
    `--search cannot compare settings by ${titleOf(metric)}, which is not measured on this validation split: ` +
      `it has ${names.map(titleOf).join(", ")}`,
  );
}

function goodnessOf(metric: string, value: number): number {
  return goodness(metric, value) ?? value;
}

/** Returns the metric's value with the sign for which greater is better; failed settings come last. */
function scoreOf({ metric }: SearchState, line: TrialLine | undefined): number {
  return line?.value == null ? -Infinity : goodnessOf(metric!, line.value);
}

/** Returns the best setting; the first one of equally good settings. */
function bestOf(state: SearchState): TrialLine | undefined {
  let best: TrialLine | undefined;
  for (const line of state.trials) if (scoreOf(state, line) > scoreOf(state, best)) best = line;
  return best;
}

function searchResult(state: SearchState, space: SearchSpace): Searched {
  const best = bestOf(state);
  const { trials, metric } = state;
  if (!best)
    throw new DivergedError(
      `all ${trials.length} settings of --search failed, the first with: ${trials[0]?.failed}`,
    );
  const { standard, best: ofBest } = state.units;
  const defaultValue = trials[0]!.value;
  const difference =
    best.trial === 1 || defaultValue === null
      ? undefined
      : { value: best.value! - defaultValue, ...(standard && ofBest && differenceOf(ofBest, standard)) };
  // among many equally good settings, the best one exceeds the default about half of the time by chance
  const chosen = difference && !isAhead(difference) ? trials[0]! : best;
  const by: SearchedBy = { metric: metric!, default: defaultValue, ...(difference && { difference }) };
  const ranked = [...trials].sort((a, b) => scoreOf(state, b) - scoreOf(state, a) || a.trial - b.trial);
  return {
    setting: chosen.trial === 1 ? {} : chosen.options,
    trials: ranked.map(({ options, epochs, bestEpoch, value }) => ({ ...options, epochs, bestEpoch, value })),
    lines: trials.map((line) => (line === chosen ? { ...line, chosen: true as const } : line)),
    by,
    warnings: verdict(state, best, by, space),
  };
}

function verdict({ trials }: SearchState, best: TrialLine, by: SearchedBy, space: SearchSpace): string[] {
  const warnings: string[] = [];
  const failed = trials.filter(({ value }) => value === null);
  if (failed.length > 0)
    warnings.push(
      `${failed.length} of the ${trials.length} settings of --search failed, the first with: ${failed[0]!.failed}`,
    );
  const name = titleOf(by.metric);
  if (best.trial === 1) return warnings;
  const { difference } = by;
  if (difference && !isAhead(difference)) {
    const { value, low, high } = difference;
    warnings.push(
      `the best setting of --search is ahead of the default by less than a standard error: validation ${name} ` +
        `differs by ${signed(value)}, 95 % interval ${signed(low!)} to ${signed(high!)}. The run has the default: ` +
        "to decide, use more validation rows, or set the options of the best setting",
    );
    return warnings;
  }
  for (const { name: option, value, beyond } of space.edgesOf(best.options))
    warnings.push(
      `the best ${flagOf(option)} ${value} is at the edge of what --search tried` +
        (beyond === undefined ? "" : `: try ${flagOf(option)} ${beyond}`),
    );
  return warnings;
}

/**
 * Whether a difference exceeds its standard error, a quarter of its 95 % interval; true if there is no interval. A
 * stricter rule keeps the default on logs where the setting is better on the test split, too.
 */
function isAhead({ value, low, high }: NonNullable<SearchedBy["difference"]>): boolean {
  return low === undefined || high === undefined || Math.abs(value) > (high - low) / (2 * 1.96);
}

function signed(value: number): string {
  return `${value > 0 ? "+" : ""}${value.toPrecision(2)}`;
}

function spaceText(space: SearchSpace, table: OptionTable, isFixed: (name: string) => boolean): string {
  const fixed = searchedNames(table).filter(isFixed);
  const kept = fixed.length > 0 ? `; ${fixed.map(flagOf).join(", ")} as given` : "";
  return `search: tries ${space.names.map(flagOf).join(", ")}${kept}`;
}

function trialText({ options, epochs, value, failed }: TrialLine, metric: string | undefined, round: string) {
  const shown = Object.entries(options).map(([name, x]) => `${flagOf(name)} ${x}`);
  const took = epochs === 0 ? "" : ` after ${epochs} ${round}${epochs === 1 ? "" : "s"}`;
  const how = value === null ? `failed: ${failed}` : `${titleOf(metric!)} ${value.toFixed(5)}${took}`;
  return `${shown.join(" ")}: ${how}`;
}
