// Runs the trainings of a comparison one after another until the budget is used up.

import { openRun, type Run } from "../../table/run-directory.js";
import type { Manifest } from "../../table/manifest.js";
import { DataError, DivergedError, UsageError, type EmbedError } from "../../base/errors.js";
import type { Untrained } from "../../metrics/leaderboard.js";
import type { GivenTraining } from "../../training/shared-options/log.js";
import { definedOf } from "../../options/table.js";
import { train } from "../../training/session/session.js";
import type { Watch } from "../../training/session/watch.js";
import { recipeOf, type RunRecipe } from "../reproduce/run-recipe.js";
import type { Budget } from "./budget.js";
import type { ChosenTraining } from "./choose-trainings.js";

export interface Finished extends ChosenTraining {
  seconds: number;
  /** time for reading the log and measuring the model, in milliseconds */
  measuring: number;
  /** whether the end of the budget stopped the training, so that the run contains the best epoch until then */
  cut: boolean;
  /** options with which the training can be repeated; absent if the log's files are unknown */
  recipe?: RunRecipe;
}

export interface TrainingOutcomes {
  finished: Finished[];
  untrained: Untrained[];
  errors: EmbedError[];
}

interface HowToTrain {
  paths: readonly string[];
  shared: GivenTraining;
  /** number of settings that a training with --search tries */
  search: number | undefined;
  force: boolean;
  split: Manifest["split"];
  /** warnings about the log, which are not repeated for each training */
  known: readonly string[];
  budget: Budget;
}

/** Runs all trainings in order. @throws errors that no single training causes: of the disk, an abort, a bug */
export async function trainAll(
  entered: readonly ChosenTraining[],
  how: HowToTrain,
  watch: Watch,
): Promise<TrainingOutcomes> {
  const { budget, split } = how;
  const trained: TrainingOutcomes = { finished: [], untrained: [], errors: [] };
  for (const [i, one] of entered.entries()) {
    const { name, from } = one;
    const hasStart = !from || trained.finished.some((other) => other.name === from.name);
    const outcome = hasStart
      ? await trainOne(one, how, watch)
      : { why: `it starts from ${from.name}, which was not trained` };
    if ("seconds" in outcome) {
      trained.finished.push(outcome);
      budget.expect(...expectedTimes(trained.finished, split.test));
    } else trained.untrained.push({ name, why: outcome.why });
    if ("error" in outcome) trained.errors.push(outcome.error);
    watch.observe({
      stage: "training",
      text: `${name}: ${outcomeText(outcome)}`,
      done: i + 1,
      of: entered.length,
    });
  }
  return trained;
}

/** Estimated duration of the bootstrap per run, bootstrap sample and test row, in nanoseconds. */
const BOOTSTRAP = 40;
const SAMPLES = 1000;
const BASELINES = 5;

/** Estimates in ms: the duration of all measurements, and the longest that one training took to read and measure. */
function expectedTimes(
  finished: readonly Finished[],
  testRows: number,
): [measuring: number, finishing: number] {
  const longest = Math.max(...finished.map(({ measuring }) => measuring));
  const runs = finished.reduce((sum, { measuring }) => sum + measuring, 0);
  const contenders = finished.length + BASELINES;
  return [runs + BASELINES * longest + BOOTSTRAP * 1e-6 * SAMPLES * contenders * testRows, longest];
}

type Outcome = Finished | { why: string; error: EmbedError } | { why: string };

function outcomeText(outcome: Outcome): string {
  if (!("seconds" in outcome)) return `not trained: ${outcome.why}`;
  return `${outcome.seconds.toFixed(1)} s${outcome.cut ? ", ended by the budget with its best epoch" : ""}`;
}

async function trainOne(one: ChosenTraining, how: HowToTrain, watch: Watch): Promise<Outcome> {
  const { name, trainer, path, options } = one;
  const { paths, search, force, split, known, budget } = how;
  if (budget.left === 0) return { why: "the budget was spent before it began" };
  watch.observe({ stage: "doing", text: `${name}: reading the log` });
  const start = performance.now();
  // omits --bad-rows: the malformed rows were already written when the log was read before the trainings
  const { badRows: _, ...shared } = how.shared;
  const own = { ...shared, ...options, ...(search !== undefined && { search }), out: path, force };
  try {
    const summary = await budget.run(watchOf(name, watch, known), (inner) =>
      train(trainer, paths, own, inner),
    );
    if (!summary) return { why: "ended by the budget before there was an epoch to keep" };
  } catch (error) {
    const isOwn = error instanceof UsageError || error instanceof DataError || error instanceof DivergedError;
    if (!isOwn) throw error;
    return { why: error.message, error };
  }
  const run = await openRun(path);
  const { manifest } = run;
  const isSame = (["train", "valid", "test"] as const).every((part) => manifest.split[part] === split[part]);
  if (!isSame)
    return {
      why: `held out ${manifest.split.test} rows and not ${split.test}, which cannot be measured beside the others`,
    };
  const seconds = (performance.now() - start) / 1000;
  const { read = 0, evaluate = 0 } = manifest.timings;
  return {
    ...one,
    measuring: 1000 * (read + evaluate),
    ...definedOf({ recipe: await recipeIfAny(run, name, watch) }),
    seconds,
    cut: manifest.interrupted === true,
  };
}

/** Returns the recipe that repeats a run; undefined, with a warning, if the log of its dataset is unknown. */
async function recipeIfAny(run: Run, name: string, { observe }: Watch): Promise<RunRecipe | undefined> {
  try {
    return await recipeOf(run, name);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    observe({ stage: "warning", text: `embed init cannot use ${name}: ${error.message}` });
    return undefined;
  }
}

/** Prefixes a training's steps and warnings with its name; drops warnings that the log's first reading gave. */
function watchOf(name: string, { signal, observe }: Watch, known: readonly string[]): Watch {
  return {
    signal,
    observe(progress) {
      if (progress.stage === "epoch") observe({ ...progress, training: name });
      else if (progress.stage === "doing") observe({ ...progress, text: `${name}: ${progress.text}` });
      else if (progress.stage === "warning" && !known.includes(progress.text))
        observe({ ...progress, text: `${name}: ${progress.text}` });
    },
  };
}
