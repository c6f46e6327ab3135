// `embed compare`: which embedding suits a log, and is it better than the baselines?
//
//   log ──► goal, split ──► candidates of every suitable trainer ──► trained cheapest first, within the budget ──► runs
//                                                                                                │
//   page ◄── leaderboard: one held-out split, intervals over the same users, baselines ◄─────────┘
//
// All results are the same for any number of threads, except durations and the choice of trainings that the budget
// cuts.

import {
  bestEmbedding,
  untrainedTexts,
  type Leaderboard,
  leaderboardOf,
  type Entrant,
  type Untrained,
} from "../../metrics/leaderboard.js";
import { ownRun } from "../../table/own-run.js";
import { countText, OutputError, UsageError, type EmbedError } from "../../base/errors.js";
import { checkOutput } from "../../base/io/atomic.js";
import { version } from "../../base/io/package-version.js";
import { entriesOf, kindAt, makeDirectory, removeEmpty } from "../../base/io/tree.js";
import { definedOf, resolved } from "../../options/table.js";
import type { GivenTraining } from "../../training/shared-options/log.js";
import { firstReadingOf } from "../../training/shared-options/reading.js";
import { Stopwatch, collectWarnings, type Watch } from "../../training/session/watch.js";
import type { Summary } from "../../training/session/summary.js";
import { MOST_RUNS } from "../report/page/page.js";
import type { ReportSummary } from "../report/options.js";
import { SPENT } from "../report/table.js";
import { report } from "../report/report.js";
import { Budget } from "./budget.js";
import { chooseTrainings, type ChosenTraining } from "./choose-trainings.js";
import { examineLog, type ExaminedLog, type Shared } from "./examine-log.js";
import { handedOverMarkup } from "./handed-over.js";
import { compareOptions, compareOwn, type GivenCompare } from "./options.js";
import { trainAll, type Finished, type TrainingOutcomes } from "./train-all.js";
import { openRun } from "../../table/run-directory.js";
import { comparedBaselines } from "../../metrics/baselines/baselines.js";
import { compare } from "../../metrics/comparison.js";
import { rowMetrics } from "../../metrics/metrics.js";
import type { Contestant, Curves } from "../../training/split-metrics/evaluate-scores.js";
import { knownModelOf } from "../../trainers/index.js";
import { measureRankings, type RankingEvaluation } from "../../use/rank-items/measure.js";
import { commandForAllRows } from "../reproduce/run-recipe.js";
import { measureScores } from "../../use/predict/scored-rows.js";

/** Optional measurements need at least this fraction of the budget to be left, for writing the page. */
const WRITING = 0.03;

/** Result of `compare`; --json prints it. */
export interface Comparison extends Summary {
  /** path of the folder that contains the trained runs */
  runs: string;
  leaderboard: Leaderboard;
}

/**
 * Trains all models that suit a log, measures them and baselines on one held-out split, and writes the runs and a page.
 * If the comparison is aborted, finished runs stay on the disk.
 *
 * @throws {UsageError} the goal is ambiguous, no trainer suits the log, or nothing was trained
 * @throws {OutputError} the page or the folder of runs exists
 */
export async function compareTrainers(
  paths: readonly string[],
  given: GivenCompare,
  watching: Watch,
): Promise<Comparison> {
  const clock = new Stopwatch();
  const { watch, warnings, warn } = collectWarnings(watching);
  const own = resolved(compareOwn, given);
  const { out, search } = given;
  const { force = false, runs = runsBeside(out) } = own;
  await checkOutputs(paths, { out, runs, force });
  const budget = new Budget(own.budget);
  const shared = sharedOf(given);

  const examined = await examineLog(paths, shared, given, watch);
  const { entered, untrained } = await chooseTrainings(examined.traits, own.trainers, runs);
  await checkRuns(entered, runs, force, warn);
  watch.observe({ stage: "note", text: orderNote(entered, examined, budget) });
  await makeDirectory(runs);
  const trained = await trainAll(
    entered,
    {
      ...{ paths, search, force, budget, split: examined.split, known: [...warnings] },
      shared: { ...shared, ...examined.decided },
    },
    watch,
  );
  untrained.push(...trained.untrained);
  const finished = trained.finished.filter(({ start }) => start !== "only");
  if (finished.length === 0) {
    await removeEmpty(runs);
    throw nothingTrained(trained);
  }

  watch.observe({ stage: "doing", text: "measuring all runs on the test split" });
  const timed = { ...watch, timeLeft: () => budget.whole - WRITING * budget.milliseconds };
  const { leaderboard, curves } = await measure(
    finished,
    examined,
    untrained,
    { ...given, ...own, ...shared, out },
    timed,
  );
  const { absent } = await writePage({ leaderboard, curves, finished }, given, force, timed);
  for (const text of absent.filter((one) => one.includes(SPENT))) warn(text);
  return {
    command: "compare",
    version,
    out,
    runs,
    seconds: clock.seconds(),
    rows: examined.rows,
    steps: examined.steps,
    options: { log: paths, ...definedOf({ ...shared, ...examined.decided, ...own, runs }) },
    metrics: Object.fromEntries(leaderboard.lines.map(({ name, metrics }) => [name, metrics])),
    warnings,
    leaderboard,
  };
}

/** Returns the default folder of the runs, such as `report-runs` for the page `report.html`. */
function runsBeside(out: string): string {
  return `${out.replace(/\.html?$/i, "")}-runs`;
}

async function checkOutputs(
  paths: readonly string[],
  { out, runs, force }: { out: string; runs: string; force: boolean },
): Promise<void> {
  if (paths.includes("-"))
    throw new UsageError(
      "compare reads the log once for each trainer, which standard input cannot give: name a file",
    );
  if (out === "-") throw new UsageError("-o expects a file: compare prints the leaderboard to stdout");
  await checkOutput(out, force, "file");
  const kind = await kindAt(runs);
  const isFolder = kind === "directory" || kind === "link";
  if (kind !== undefined && !isFolder) throw new OutputError(`--runs '${runs}' is a file, expected a folder`);
  if (isFolder && !force && (await entriesOf(runs)).length > 0)
    throw new OutputError(
      `the folder of runs '${runs}' exists already; --force replaces runs of the same names in it, --runs DIR names another`,
    );
}

async function checkRuns(
  entered: readonly ChosenTraining[],
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

function sharedOf(given: GivenCompare): Shared {
  const ofTraining = Object.entries(given).filter(([name]) => !Object.hasOwn(compareOwn, name));
  const { valid, test, seed } = compareOptions;
  // --split last holds out the last events of each user instead of a share of the rows
  const isLast = given.split === "last";
  return {
    valid: isLast ? 0 : valid.default,
    test: isLast ? 0 : test.default,
    seed: seed.default,
    ...(Object.fromEntries(ofTraining) as GivenTraining),
  };
}

function orderNote(
  entered: readonly ChosenTraining[],
  { traits: { goal, task } }: ExaminedLog,
  { milliseconds }: Budget,
): string {
  const what = goal === "lists" ? "lists of items for users" : `predictions of a ${task} label`;
  return `compares ${what} (--goal ${goal}); trains, cheap to dear, within ${Math.round(milliseconds / 1000)} s with the measurements: ${entered.map(({ name }) => name).join(", ")}`;
}

/** Returns the error for a comparison without any run: the training's own error if only one was tried. */
function nothingTrained({ untrained, errors }: TrainingOutcomes): EmbedError {
  if (errors.length === 1 && untrained.length === 1) return errors[0]!;
  const hint = errors.length < untrained.length ? "; a longer --budget trains more" : "";
  return new UsageError(`nothing was trained: ${untrainedTexts(untrained).join("; ")}${hint}`);
}

async function writePage(
  { leaderboard, curves, finished }: Measurement & { finished: readonly Finished[] },
  given: GivenCompare,
  force: boolean,
  watch: Watch,
): Promise<ReportSummary> {
  const { out, hashKeys, names } = given;
  const { lines } = leaderboard;
  const recipes = lines.flatMap(({ name }) => finished.find((one) => one.name === name)?.recipe ?? []);
  return await report(
    lines.flatMap(({ run }) => run ?? []).slice(0, MOST_RUNS),
    { out, force, hashKeys, names, part: "none" },
    {
      ...{ leaderboard, curves, reading: firstReadingOf(given) },
      handedOver: handedOverMarkup(out, bestEmbedding(leaderboard)?.name, recipes),
    },
    { ...watch, observe: (progress) => progress.stage !== "note" && watch.observe(progress) },
  );
}

type Measuring = Pick<RankingEvaluation, "part" | "seed" | "bootstrap" | "reading" | "hashKeys">;
type Asked = GivenCompare & { k: number; bootstrap: number };

interface Measurement {
  leaderboard: Leaderboard;
  curves: Curves;
}

async function measure(
  finished: readonly Finished[],
  examined: ExaminedLog,
  untrained: readonly Untrained[],
  given: Asked,
  watch: Watch,
): Promise<Measurement> {
  const runs = await Promise.all(
    finished.map(async ({ name, path }) => ({ name, run: await openRun(path) })),
  );
  const added = new Map(runs.map(({ name, run }) => [name, run.manifest.vectorsAdd]));
  const forAllRows = await Promise.all(
    finished.map(async ({ recipe }) => (recipe ? await commandForAllRows(recipe) : undefined)),
  );
  const entrants = new Map(
    finished.map(({ name, baseline = false, path, trainer, seconds, cut }, i): [string, Entrant] => [
      name,
      {
        ...{ isBaseline: baseline, run: path, command: trainer.command, seconds },
        ...definedOf({ commandForAllRows: forAllRows[i], vectorsAdd: added.get(name) }),
        ...(cut && { cut }),
      },
    ]),
  );
  const { hashKeys, seed = 1, bootstrap } = given;
  const options: Measuring = { part: "test", seed, bootstrap, reading: firstReadingOf(given), hashKeys };
  const isRanking = examined.traits.goal === "lists";
  const found = await (isRanking ? measureLists : measurePredictions)(runs, examined, options, given, watch);
  for (const text of mergedWarnings(found.warnings, runs)) watch.observe({ stage: "warning", text });
  const leaderboard = leaderboardOf(found.compared, entrants, {
    ...{ metrics: found.metrics, on: found.on },
    untrained: [...untrained, ...found.unmeasured],
    vectorAdvice: vectorAdvice(examined),
  });
  const curves = finished.flatMap(({ name, path }) => {
    if (!found.curves || !Object.hasOwn(found.curves, name)) return [];
    return [[path, found.curves[name]!] as const];
  });
  return { leaderboard, curves: Object.fromEntries(curves) };
}

/** Returns advice for those who want similar items: vectors that predict labels make them less alike. */
function vectorAdvice({ traits: { goal, task, roles } }: ExaminedLog): string | undefined {
  if (goal !== "predictions" || roles.user === undefined || roles.item === undefined) return undefined;
  const from = task === "binary" ? "1" : "N";
  return `For vectors of items whose neighbors are alike, compare trainers of the positives: --goal lists --positive-from ${from}.`;
}

type Measured = Pick<Leaderboard, "metrics" | "on"> & {
  compared: ReturnType<typeof compare>;
  unmeasured: Untrained[];
  warnings: string[];
  /** calibration curves of runs by name; only if label predictions are compared */
  curves?: Curves;
};

async function measureLists(
  runs: readonly Contestant[],
  { items = 0, split, traits: { roles } }: ExaminedLog,
  options: Measuring,
  { k, repeats }: Asked,
  watch: Watch,
): Promise<Measured> {
  const { names: baseline, unmeasured } = comparedBaselines({
    items,
    repeats: repeats === "allow",
    timed: roles.time !== undefined,
  });
  const ranking = { k: [k], baseline, score: "own" as const, repeats };
  const ordered = await rankersFirst(runs);
  const { compared, users, warnings, skipped } = await measureRankings(
    ordered,
    { ...options, ...ranking },
    watch,
  );
  const late = skipped.map((name) => ({
    name,
    why: "the budget was spent before this baseline was measured",
  }));
  return {
    ...{ compared, warnings, metrics: [`recallAt${k}`, `ndcgAt${k}`] },
    on: `${countText(users.judged)} users with held-out items among ${countText(split.test)} test rows`,
    unmeasured: [...unmeasured, ...late],
  };
}

async function measurePredictions(
  runs: readonly Contestant[],
  { constant, split, traits: { task } }: ExaminedLog,
  options: Measuring,
  { bootstrap: samples, seed = 1 }: Asked,
  watch: Watch,
): Promise<Measured> {
  const { measured, units, warnings, curves } = await measureScores(runs, options, watch);
  const isAlike = constant !== undefined && constant.units === units;
  const all = [...measured, ...(isAlike ? [constant.measured] : [])];
  return {
    compared: compare(all, units, { samples, seed }),
    ...{ warnings, curves },
    metrics: rowMetrics(task === "binary" ? "binary" : "regression").map(({ name }) => name) as [string],
    on: `${countText(split.test)} rows of the test split`,
    unmeasured: isAlike ? [] : [{ name: "mean label", why: "the runs were measured on other users or rows" }],
  };
}

/** Sorts runs whose models rank items to the front, because the first run decides which rows are events. */
async function rankersFirst(runs: readonly Contestant[]): Promise<Contestant[]> {
  const ranks = await Promise.all(runs.map(async ({ run }) => (await knownModelOf(run)).rank !== undefined));
  return [...runs.filter((_, i) => ranks[i]), ...runs.filter((_, i) => !ranks[i])];
}

/** Merges equal warnings of several runs into one warning. @param warnings `NAME: TEXT`, or `TEXT` without the name */
function mergedWarnings(warnings: readonly string[], runs: readonly { name: string }[]): string[] {
  const names = new Map<string, string[]>();
  for (const warning of warnings) {
    const of = runs.find(({ name }) => warning.startsWith(`${name}: `));
    const text = of ? warning.slice(of.name.length + 2) : warning;
    names.set(text, [...(names.get(text) ?? []), ...(of ? [of.name] : [])]);
  }
  return [...names].map(([text, of]) => (of.length === 0 ? text : `${of.join(", ")}: ${text}`));
}
