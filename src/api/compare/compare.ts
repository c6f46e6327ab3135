// `embed compare`: which embedding for a log, and is it better than the baselines.
//
//   log ──► goal, cut ──► what each trainer of the index suits ──► cheap to dear, within the budget ──► runs
//                                                                                                       │
//   page ◄── leaderboard: one held-out split, intervals on the same users, baselines beside ◄───────────┘
//
// All but seconds and what the budget left out is the same at any number of threads.

import { join } from "node:path";
import { compare } from "../../evaluation/comparison.js";
import {
  leaderboardOf,
  untrainedTexts,
  type Entrant,
  type Leaderboard,
  type Untrained,
} from "../../evaluation/leaderboard.js";
import { openRun, type Run } from "../../embedding/run-directory.js";
import { ownRun } from "../../embedding/own-run.js";
import { DataError, DivergedError, OutputError, UsageError, type EmbedError } from "../../errors.js";
import { checkOutput } from "../../io/atomic.js";
import { checkNotAnInput } from "../../io/not-an-input.js";
import { version } from "../../io/package-version.js";
import { entriesOf, kindAt, makeDirectory, removeEmpty } from "../../io/tree.js";
import { definedOf, type GivenTraining } from "../../training/options/log.js";
import { firstReadingOf } from "../../training/options/reading.js";
import { checkGiven, noSuchOption, resolved } from "../../training/options/table.js";
import { train } from "../../training/session.js";
import { Stopwatch } from "../../training/stopwatch.js";
import type { Candidate, LogTraits } from "../../training/suits.js";
import type { Summary } from "../../training/summary.js";
import type { Trainer } from "../../training/trainer.js";
import { collectWarnings, type Watch } from "../../training/watch.js";
import { knownModelOf, trainers } from "../../trainers/index.js";
import type { EvaluateOptions } from "../evaluate/options.js";
import { evaluateRuns } from "../evaluate/ranking.js";
import { measureScores } from "../evaluate/scores.js";
import { MOST_RUNS } from "../../report/page.js";
import { report } from "../report/report.js";
import { Budget } from "./budget.js";
import { examine, type Examined, type Shared } from "./examine.js";
import { compareOptions, compareOwn, type GivenCompare } from "./options.js";

/** Items up to which the baseline ease is measured: the time of its inverse grows with their cube. */
const EASE_ITEMS = 5000;

const OUT_OF_TIME = "the budget was spent before it began";

/** What `compare` gives; --json prints it. */
export interface Comparison extends Summary {
  /** folder of the runs */
  runs: string;
  leaderboard: Leaderboard;
}

/** A candidate with its trainer. */
interface Entered extends Candidate {
  trainer: Trainer;
  /** its run */
  path: string;
  /** whose table it starts from */
  from?: Entered;
}

/**
 * Trains what suits a log, measures all of it on one held-out split beside baselines, and writes the runs and a page.
 *
 * Runs that are finished stay when it is aborted.
 *
 * @throws {UsageError} the goal is ambiguous, nothing suits the log, or nothing could be trained
 * @throws {OutputError} the page or the folder of runs exists
 */
export async function compareTrainers(
  paths: readonly string[],
  given: GivenCompare,
  watching: Watch,
): Promise<Comparison> {
  const clock = new Stopwatch();
  const { watch, warnings, warn } = collectWarnings(watching);
  checkNames(given);
  checkGiven(compareOptions, given);
  const own = resolved(compareOwn, given);
  const { out } = given;
  const { force = false, runs = runsBeside(out) } = own;
  await checkOutputs(paths, { out, runs, force });
  const budget = new Budget(own.budget);
  const shared = sharedOf(given);

  const examined = await examine(paths, shared, given, watch);
  const { entered, untrained } = await enter(examined.traits, own.trainers, runs);
  await checkRuns(entered, runs, force, warn);
  watch.observe({ stage: "note", text: orderNote(entered, examined, budget) });
  const plain = given.search === undefined ? [] : entered.filter((one) => !isSearched(one));
  if (plain.length > 0)
    warn(
      `--search has nothing to try for ${plain.map(({ name }) => name).join(", ")}: trained with defaults`,
    );
  await makeDirectory(runs);
  const trained = await trainAll(paths, entered, { ...shared, ...examined.decided }, examined, {
    ...{ budget, force, search: given.search, watch },
  });
  untrained.push(...trained.untrained);
  if (trained.finished.every(({ start }) => start === "only")) {
    await removeEmpty(runs);
    throw nothingTrained(trained);
  }

  watch.observe({ stage: "doing", text: "measuring all runs on the test split" });
  const leaderboard = await measure(
    trained.finished.filter(({ start }) => start !== "only"),
    examined,
    untrained,
    { ...given, ...own, ...shared },
    watch,
  );
  const order = leaderboard.lines.flatMap(({ run }) => run ?? []);
  const { hashKeys } = given;
  await report(
    order.slice(0, MOST_RUNS),
    {
      ...{ out, force, top: 8, points: 2000, leaderboard },
      part: examined.traits.goal === "predictions" ? "test" : "none",
      reading: firstReadingOf(given),
      ...definedOf({ hashKeys }),
    },
    { ...watch, observe: (progress) => progress.stage !== "note" && watch.observe(progress) },
  );
  return {
    command: "compare",
    version,
    out,
    runs,
    seconds: clock.seconds(),
    rows: examined.rows,
    options: { log: paths, ...definedOf({ ...shared, ...examined.decided, ...own, runs }) },
    metrics: Object.fromEntries(leaderboard.lines.map(({ name, metrics }) => [name, metrics])),
    warnings,
    leaderboard,
  };
}

/** @throws {UsageError} names with the nearest option that there is */
function checkNames(given: object): void {
  for (const name of Object.keys(given))
    if (!Object.hasOwn(compareOptions, name))
      throw noSuchOption("compare", name, Object.keys(compareOptions));
}

/** `report-runs` of `report.html`. */
function runsBeside(out: string): string {
  return `${out.replace(/\.html?$/i, "")}-runs`;
}

/** @throws {UsageError} the page is no file, or an input @throws {OutputError} it exists */
async function checkOutputs(
  paths: readonly string[],
  { out, runs, force }: { out: string; runs: string; force: boolean },
): Promise<void> {
  if (paths.includes("-"))
    throw new UsageError(
      "compare reads the log once for each trainer, which standard input cannot give: name a file",
    );
  if (out === "-") throw new UsageError("-o expects a file: compare prints the leaderboard to stdout");
  await checkNotAnInput("-o", out, paths);
  await checkOutput(out, force, "file");
  const kind = await kindAt(runs);
  const isFolder = kind === "directory" || kind === "link";
  if (kind !== undefined && !isFolder) throw new OutputError(`--runs '${runs}' is a file, expected a folder`);
  if (isFolder && !force && (await entriesOf(runs)).length > 0)
    throw new OutputError(
      `the folder of runs '${runs}' is there already; --force replaces runs of the same names in it, --runs DIR names another`,
    );
}

/** Checks the runs' places, and warns of runs of an earlier comparison that this one leaves. @throws {OutputError} */
async function checkRuns(
  entered: readonly Entered[],
  runs: string,
  force: boolean,
  warn: (text: string) => void,
): Promise<void> {
  if ((await kindAt(runs)) === undefined) return;
  for (const { path } of entered) await checkOutput(path, force, "directory", ownRun);
  const others = (await entriesOf(runs)).filter(({ name }) => !entered.some((one) => one.name === name));
  if (others.length > 0)
    warn(
      `'${runs}' also holds ${others.map(({ name }) => name).join(", ")}, which this comparison did not make`,
    );
}

/** What every training is told. A file of bad rows is written once, when the log is examined. */
function sharedOf(given: GivenCompare): Shared {
  const ofTraining = Object.entries(given).filter(([name]) => !Object.hasOwn(compareOwn, name));
  const { valid, test } = compareOptions;
  // each user's last events are no share
  const isLast = given.split === "last";
  return {
    valid: isLast ? 0 : valid.default,
    test: isLast ? 0 : test.default,
    seed: 1,
    ...(Object.fromEntries(ofTraining) as GivenTraining),
  } as Shared;
}

/** What trainers have to offer, cheap to dear, and which of them suit the log in no way. @throws {UsageError} a trainer that is none, or none that suits */
async function enter(
  traits: LogTraits,
  asked: readonly string[] | undefined,
  runs: string,
): Promise<{ entered: Entered[]; untrained: Untrained[] }> {
  const commands = trainers.map(({ command }) => command);
  const odd = asked?.find((name) => !commands.includes(name));
  if (odd !== undefined)
    throw new UsageError(`--trainers expects some of ${commands.join(", ")}, got '${odd}'`);
  const [entered, untrained]: [Entered[], Untrained[]] = [[], []];
  for (const { command, load } of trainers.filter((one) => asked?.includes(one.command) ?? true)) {
    const { trainer } = await load();
    const suits = trainer.suits(traits);
    if ("whyNot" in suits) untrained.push({ name: command, why: suits.whyNot });
    else entered.push(...suits.candidates.map((one) => ({ ...one, trainer, path: join(runs, one.name) })));
  }
  if (entered.every(({ start }) => start === "only")) {
    const why = [
      ...untrained.map((one) => `${one.name} ${one.why}`),
      ...entered.map(
        ({ name, trainer }) =>
          `${trainer.command} predicts nothing by itself (${name} is a start for others)`,
      ),
    ];
    throw new UsageError(`no trainer suits --goal ${traits.goal}: ${why.join("; ")}`);
  }
  const all = [...entered, ...entered.flatMap((one) => startsOf(one, entered, runs))];
  // of equal effort in the order of the index
  return { entered: all.sort((a, b) => a.effort - b.effort), untrained };
}

/** A candidate once more from each table that others start from: of a baseline it is one, too. */
function startsOf(one: Entered, entered: readonly Entered[], runs: string): Entered[] {
  const { startOption, baseline: _, ...own } = one;
  if (startOption === undefined) return [];
  return entered
    .filter(({ start }) => start !== undefined)
    .map((from) => {
      const name = `${one.name}-from-${from.name}`;
      return {
        ...own,
        ...{ name, from, path: join(runs, name), effort: one.effort + from.effort },
        options: { ...one.options, [startOption]: from.path },
        ...(from.baseline && { baseline: true as const }),
      };
    });
}

function isSearched({ trainer, unsearched }: Entered): boolean {
  return unsearched !== true && Object.hasOwn(trainer.options, "search");
}

function orderNote(
  entered: readonly Entered[],
  { traits: { goal, task } }: Examined,
  { milliseconds }: Budget,
): string {
  const what = goal === "lists" ? "lists of items for users" : `predictions of a ${task} label`;
  return `compares ${what} (--goal ${goal}); trains, cheap to dear, for at most ${milliseconds / 1000} s: ${entered.map(({ name }) => name).join(", ")}`;
}

/** A run that is there. */
type Finished = Entered & { seconds: number; cut: boolean };

interface Trained {
  finished: Finished[];
  untrained: Untrained[];
  /** why trainings failed */
  errors: EmbedError[];
}

/** Trains one after another while there is time. */
async function trainAll(
  paths: readonly string[],
  entered: readonly Entered[],
  given: GivenTraining,
  { split }: Examined,
  {
    budget,
    force,
    search,
    watch,
  }: { budget: Budget; force: boolean; search: number | undefined; watch: Watch },
): Promise<Trained> {
  const trained: Trained = { finished: [], untrained: [], errors: [] };
  for (const [i, one] of entered.entries()) {
    const { name, trainer, path, options, from } = one;
    if (from && !trained.finished.some((other) => other.name === from.name)) {
      trained.untrained.push({ name, why: `it starts from ${from.name}, which was not trained` });
      continue;
    }
    if (budget.left === 0) {
      trained.untrained.push({ name, why: OUT_OF_TIME });
      continue;
    }
    const start = performance.now();
    const searches = search !== undefined && isSearched(one);
    const { badRows: _, ...shared } = given;
    const own = { ...shared, ...options, ...(searches && { search }), out: path, force };
    const before = { name, done: i + 1 };
    watch.observe({ stage: "doing", text: `${name}: reading the log` });
    try {
      const summary = await budget.run(ofTraining(name, watch), (inner) => train(trainer, paths, own, inner));
      const seconds = (performance.now() - start) / 1000;
      if (!summary) {
        trained.untrained.push({ name, why: "ended by the budget before there was an epoch to keep" });
        tell(before, "stopped by the budget");
        continue;
      }
      const { manifest } = await openRun(path);
      const isSame = (["train", "valid", "test"] as const).every(
        (part) => manifest.split[part] === split[part],
      );
      if (!isSame) {
        const why = `held out ${manifest.split.test} rows and not ${split.test}: which cannot be measured beside others`;
        trained.untrained.push({ name, why });
        continue;
      }
      const cut = manifest.interrupted === true;
      trained.finished.push({ ...one, seconds, cut });
      tell(before, `${seconds.toFixed(1)} s${cut ? ", ended by the budget with its best epoch" : ""}`);
    } catch (error) {
      const isOwn =
        error instanceof UsageError || error instanceof DataError || error instanceof DivergedError;
      if (!isOwn) throw error;
      trained.untrained.push({ name, why: error.message });
      trained.errors.push(error);
      tell(before, `failed: ${error.message}`);
    }
  }
  return trained;

  function tell({ name, done }: { name: string; done: number }, text: string): void {
    watch.observe({ stage: "training", text: `${name}: ${text}`, done, of: entered.length });
  }
}

/** What is heard of one of several trainings: what the log says is told once, when it is examined. */
function ofTraining(name: string, watch: Watch): Watch {
  return {
    signal: watch.signal,
    observe(progress) {
      if (progress.stage === "epoch") watch.observe({ ...progress, training: name });
      else if (progress.stage === "warning")
        watch.observe({ stage: "warning", text: `${name}: ${progress.text}` });
      else if (progress.stage === "doing")
        watch.observe({ stage: "doing", text: `${name}: ${progress.text}` });
    },
  };
}

/** Why there is nothing to measure: the failure of the only training as it is. */
function nothingTrained({ untrained, errors }: Trained): EmbedError {
  if (errors.length === 1 && untrained.length === 1) return errors[0]!;
  const hint = errors.length < untrained.length ? "; a longer --budget trains more" : "";
  return new UsageError(`nothing was trained: ${untrainedTexts(untrained).join("; ")}${hint}`);
}

/** Measures the runs and the baselines. */
async function measure(
  finished: readonly Finished[],
  examined: Examined,
  untrained: readonly Untrained[],
  given: GivenCompare & { k: number; bootstrap: number },
  watch: Watch,
): Promise<Leaderboard> {
  const { traits, split, items = 0 } = examined;
  const opened = await Promise.all(
    finished.map(async ({ name, path }) => ({ name, run: await openRun(path) })),
  );
  const entrants = new Map(
    finished.map(({ name, baseline = false, path, trainer, seconds, cut }): [string, Entrant] => [
      name,
      {
        isBaseline: baseline,
        run: path,
        command: trainer.command,
        seconds,
        ...(cut && { cut }),
      },
    ]),
  );
  const { k, bootstrap, repeats, seed = 1, hashKeys } = given;
  const asked: EvaluateOptions = {
    part: "test",
    ...{ seed, bootstrap, reading: firstReadingOf(given) },
    ...definedOf({ hashKeys }),
  };
  if (traits.goal === "lists") {
    const baselines = [
      "popularity",
      "item-cf",
      ...(items <= EASE_ITEMS ? ["ease"] : []),
      ...(repeats === "allow" ? ["user-history"] : []),
    ];
    const ranked = await rankersFirst(opened);
    const ranking = { ranking: true, k: [k], baselines, eachItsWay: true, ...definedOf({ repeats }) };
    const { compared, users, warnings } = await evaluateRuns(ranked, { ...asked, ...ranking }, watch);
    for (const text of together(warnings, opened)) watch.observe({ stage: "warning", text });
    const left =
      items > EASE_ITEMS
        ? [
            {
              name: "ease",
              why: `the baseline is measured up to ${EASE_ITEMS} items, and there are ${items} (embed evaluate --baseline ease)`,
            },
          ]
        : [];
    return leaderboardOf(compared, entrants, {
      metrics: [`recallAt${k}`, `ndcgAt${k}`],
      on: `${users.judged.toLocaleString("en")} users with held-out items among ${split.test.toLocaleString("en")} test rows`,
      untrained: [...untrained, ...left],
    });
  }
  const { measured, units, warnings } = await measureScores(opened, asked, watch);
  for (const text of together(warnings, opened)) watch.observe({ stage: "warning", text });
  const { constant } = examined;
  const isAlike = constant !== undefined && constant.units === units;
  const compared = compare([...measured, ...(isAlike ? [constant.measured] : [])], units, {
    samples: bootstrap,
    seed,
  });
  return leaderboardOf(compared, entrants, {
    metrics:
      traits.task === "binary" ? ["logLoss", "auc", "normalizedEntropy", "calibration"] : ["rmse", "mae"],
    on: `${split.test.toLocaleString("en")} rows of the test split`,
    untrained: [
      ...untrained,
      ...(isAlike ? [] : [{ name: "mean label", why: "it has other users or rows" }]),
    ],
  });
}

/** Runs whose models rank come first: the first one says which events count. */
async function rankersFirst<R extends { run: Run }>(runs: readonly R[]): Promise<R[]> {
  const ranks = await Promise.all(runs.map(async ({ run }) => (await knownModelOf(run)).rank !== undefined));
  return [...runs.filter((_, i) => ranks[i]), ...runs.filter((_, i) => !ranks[i])];
}

/** Warnings, `NAME: TEXT` of a run, with what is said of several runs once. */
function together(warnings: readonly string[], runs: readonly { name: string }[]): string[] {
  const names = new Map<string, string[]>();
  for (const warning of warnings) {
    const of = runs.find(({ name }) => warning.startsWith(`${name}: `));
    const text = of ? warning.slice(of.name.length + 2) : warning;
    names.set(text, [...(names.get(text) ?? []), ...(of ? [of.name] : [])]);
  }
  return [...names].map(([text, of]) => (of.length === 0 ? text : `${of.join(", ")}: ${text}`));
}
