// `embed compare`: which embedding suits a log, and is it better than the baselines?
//
//   log ──► goal, split ──► candidates of every suitable trainer ──► trained cheapest first, within the budget ──► runs
//                                                                                                │
//   page ◄── leaderboard: one held-out split, intervals over the same users, baselines ◄─────────┘
//
// All results are the same for any number of threads, except durations and the choice of trainings that the budget
// cuts.

import { bestEmbedding, untrainedTexts, type Leaderboard } from "../../evaluation/leaderboard.js";
import { ownRun } from "../../embedding/own-run.js";
import { OutputError, UsageError, type EmbedError } from "../../errors.js";
import { checkOutput } from "../../io/atomic.js";
import { checkNotAnInput } from "../../io/not-an-input.js";
import { version } from "../../io/package-version.js";
import { entriesOf, kindAt, makeDirectory, removeEmpty } from "../../io/tree.js";
import { definedOf, noSuchOption, resolved } from "../../training/options/table.js";
import type { GivenTraining } from "../../training/options/log.js";
import { firstReadingOf } from "../../training/options/reading.js";
import { Stopwatch, collectWarnings, type Watch } from "../../training/session/watch.js";
import type { Summary } from "../../training/session/summary.js";
import { MOST_RUNS } from "../../report/page.js";
import type { ReportSummary } from "../report/options.js";
import { SPENT } from "../report/map.js";
import { report } from "../report/report.js";
import { Budget } from "./budget.js";
import { chooseTrainings, type ChosenTraining } from "./choose-trainings.js";
import { examineLog, type ExaminedLog, type Shared } from "./examine-log.js";
import { handedOverMarkup } from "../../recipes/handed-over.js";
import { measure, type Measurement } from "./measure.js";
import { compareOptions, compareOwn, type GivenCompare } from "./options.js";
import { trainAll, type Finished, type TrainingOutcomes } from "./train-all.js";

/** Optional measurements need at least this fraction of the budget to be left, for writing the page. */
const WRITING = 0.03;

/** Result of `compare`; --json prints it. */
export interface Comparison extends Summary {
  /** path of the folder that contains the trained runs */
  runs: string;
  leaderboard: Leaderboard;
}

/**
 * Trains all models that suit a log, measures the models and baselines on one held-out split, and writes the runs and a
 * page.
 *
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
  checkNames(given);
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
    options: { log: paths, ...definedOf({ ...shared, ...examined.decided, ...own, runs }) },
    metrics: Object.fromEntries(leaderboard.lines.map(({ name, metrics }) => [name, metrics])),
    warnings,
    leaderboard,
  };
}

/** @throws {UsageError} an option does not exist; the message suggests the most similar name */
function checkNames(given: object): void {
  for (const name of Object.keys(given))
    if (!Object.hasOwn(compareOptions, name))
      throw noSuchOption("compare", name, Object.keys(compareOptions));
}

/** Returns the default folder of the runs, such as `report-runs` for the page `report.html`. */
function runsBeside(out: string): string {
  return `${out.replace(/\.html?$/i, "")}-runs`;
}

/** @throws {UsageError} `out` is not a file, or is an input @throws {OutputError} `out` or the folder of runs exists */
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
      `the folder of runs '${runs}' exists already; --force replaces runs of the same names in it, --runs DIR names another`,
    );
}

/** Checks that the runs can be written to their folder, and warns of other files in it. @throws {OutputError} */
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

/** Returns the options of `embed compare` that all trainings get. */
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

/** Writes the page with the leaderboard and a report on the best runs. */
async function writePage(
  { leaderboard, curves, finished }: Measurement & { finished: readonly Finished[] },
  given: GivenCompare,
  force: boolean,
  watch: Watch,
): Promise<ReportSummary> {
  const { out, hashKeys } = given;
  const { lines } = leaderboard;
  const recipes = lines.flatMap(({ name }) => finished.find((one) => one.name === name)?.recipe ?? []);
  return await report(
    lines.flatMap(({ run }) => run ?? []).slice(0, MOST_RUNS),
    { out, force, hashKeys, part: "none" },
    {
      ...{ leaderboard, curves, reading: firstReadingOf(given) },
      handedOver: handedOverMarkup(out, bestEmbedding(leaderboard)?.name, recipes),
    },
    { ...watch, observe: (progress) => progress.stage !== "note" && watch.observe(progress) },
  );
}
