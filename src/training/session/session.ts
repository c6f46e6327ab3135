// A training with any trainer, from the log to the run directory.
//
//   given ──► plan ──► log ──► dataset ──► splits ──► search? ──► fit ──► refit? ──► run directory, written atomically
//                                                    └─ checkpoints ─┴─ interrupts

import { availableParallelism } from "node:os";
import type { Dataset } from "../../dataset/dataset.js";
import { droppedUsersOf } from "../../dataset/filters/heavy-users.js";
import { eventColumn } from "../../dataset/sequences/event-weights.js";
import type { Manifest, Metrics, PartMetrics } from "../../table/manifest.js";
import { ownRun } from "../../table/own-run.js";
import { writeRun } from "../../table/run-directory.js";
import { DataError, flagOf, UsageError } from "../../base/errors.js";
import { checkOutput } from "../../base/io/atomic.js";
import { pathExists } from "../../base/io/read-artifact.js";
import { processMemory } from "../../base/io/machine-resources.js";
import { version } from "../../base/io/package-version.js";
import { askedOf, resolvedOptions } from "./describe-run.js";
import { checkpointPath, Checkpoints, type Evaluated } from "../epochs/checkpoint.js";
import { definedOf, decisive, noSuchOption } from "../../options/table.js";
import { type ExampleOptions, logOptionsOf, type GivenTraining } from "../shared-options/log.js";
import { readDataset, type DatasetOptions } from "../reading/read-dataset.js";
import { checkGiven } from "../../options/check-given.js";
import { splitCounts, splitParts, splitSteps, type SplitParts } from "../reading/split-parts.js";
import { checkNeeds, endingIfTooLarge, trainingSize } from "./needs.js";
import { chooseRounds, silentTrial } from "./choose-rounds.js";
import { checkRefit, fitTwice } from "./refit.js";
import { search, type Searched } from "../search/search.js";
import { splitWarnings } from "../shared-options/split-options.js";
import { Stopwatch, collectWarnings, type Watch } from "./watch.js";
import type { Summary, TrainingSummary } from "./summary.js";
import type { Plan, Session, TrainingInput, Trainer } from "./trainer.js";
import { smallSplitWarnings, capWarnings, userShareWarnings } from "../warnings/training-warnings.js";
import { cores, startThreads } from "../../compute/threads/idle.js";
import type { ThreadsInUse } from "../../compute/threads/thread-choice.js";

/** Progress messages for the work after a stage, if it may take long. */
const FOLLOWING: Readonly<Record<string, string>> = {
  read: "preparing the rows for training",
  encode: "training",
  bin: "training",
  search: "training",
  train: "measuring the model",
  evaluate: "finishing the model",
};

/**
 * Trains on one or several files, which are read as one log, and writes a run directory atomically.
 *
 * @param asGiven the user's options, by name; `out` is the run directory
 * @throws {UsageError} unknown options, values out of range, or options that cannot be combined
 * @throws {EmbedError} errors of the stages, in which case nothing is written
 */
export async function train(
  trainer: Trainer,
  paths: readonly string[],
  asGiven: GivenTraining & { out: string },
  watching: Watch,
): Promise<TrainingSummary> {
  const clock = new Stopwatch();
  let threads: ThreadsInUse | undefined;
  const { watch, warnings, warn } = collectWarnings({
    ...watching,
    observe(progress) {
      if (progress.stage === "epoch") threads = progress.threads;
      watching.observe(progress);
    },
  });
  const note = (text: string) => watch.observe({ stage: "note", text });
  checkNames(trainer, asGiven);
  checkGiven(trainer.options, asGiven);
  const given = withUsableThreads(asGiven);
  const { out, force = false } = given;
  await checkOutput(out, force, "directory", ownRun);
  const asked = await trainer.plan(given);
  checkSearch(given);
  checkRefit(given);

  // threads start while the main thread reads the log
  startThreads(given.threads ?? availableParallelism());
  const engineAdvice = Object.hasOwn(trainer.options, "engineTrain")
    ? ", or add --engine-train to train there"
    : "";
  const reading = { watch: endingIfTooLarge(watch), warn, note };
  const { options, dataset, cut } = await openParts({ ...asked, engineAdvice }, paths, given, reading);
  const endStage = (stage: string): void => {
    clock.lap(stage);
    const text = FOLLOWING[stage.replace(/^refit /, "")];
    if (text !== undefined) watch.observe({ stage: "doing", text });
  };
  endStage("read");

  const { inputs } = dataset;
  const steps = splitSteps(dataset, cut);
  const left = { steps, ...definedOf({ droppedUsers: droppedUsersOf(steps) }) };
  // counted before the training, during which row numbers of a log on disk need no memory
  const [split, cutRows] = [splitCounts(cut), cut.parts.train.rows.length];
  const identity = {
    version,
    log: paths,
    ...decisive(trainer.options, given),
    inputs,
    "run of --init": asked.init?.manifest.files,
  };
  if (given.search !== undefined && !given.resume && (await pathExists(checkpointPath(out))))
    note(`starting again: --resume would continue from '${checkpointPath(out)}'`);
  const checkpoints = await Checkpoints.open(out, given, identity, watch.signal);
  const { epoch } = checkpoints;
  const { round = "epoch" } = trainer;
  if (epoch !== undefined) note(`resuming after ${round} ${epoch}`);
  const session: Omit<Session, "controls"> = {
    ...{ options, given, beside: out, watch, warn, note },
    lap: endStage,
  };
  const parts = partsToFit(cut, given);
  for (const text of smallSplitWarnings(parts)) warn(text);
  const source = { dataset, parts, cut: cut.parts };
  const needs =
    asked.needs && (await checkNeeds(asked.needs, trainingSize(dataset, parts, options), out, note));
  const found =
    given.search === undefined
      ? undefined
      : await searchSettings({ trainer, given, plan: asked }, source, session, checkpoints);
  if (found) endStage("search");
  const rounds = checkpoints.first ? undefined : await chooseRounds(trainer, asked, source, session);
  const plan = rounds?.plan ?? (found ? await trainer.plan({ ...given, ...found.setting }) : asked);
  const fitting = rounds ? { ...session, first: rounds.first } : session;
  const { first, published, refit, interrupted } = await fitTwice(plan, source, fitting, {
    checkpoints,
    refits: given.refit === true,
    round,
  });
  if (interrupted) {
    const { bestEpoch } = published.evaluated;
    const held = round === "epoch" ? `epoch ${bestEpoch}` : `${bestEpoch} ${round}s`;
    warn(`interrupted: the run holds ${held}, the best so far`);
  }

  const trainedRows = refit?.rows ?? cutRows;
  const heldOutRows = dataset.numRows - trainedRows;
  const contents = await published.contents(first);
  const asUsed = { ...given, ...rounds?.rival };
  const resolved = resolvedOptions(paths, options, trainer.options, asUsed, {
    ...first.options,
    ...contents.chosen,
  });
  const manifest: Omit<Manifest, "files" | "schemaVersion" | "from"> = {
    version,
    command: trainer.command,
    model: contents.model,
    options: resolved,
    asked: await askedOf(paths, given, trainer.options, inputs, plan.init?.path, cut.remote),
    seed: plan.seed,
    inputs,
    roles: dataset.roles,
    split,
    rows: dataset.numRows,
    seen: { rows: trainedRows, heldOut: heldOutRows },
    ...left,
    ...(interrupted && { interrupted: true }),
    ...(found && { search: found.trials, searchedBy: found.by }),
    metrics: first.metrics,
    ...(first.vectorsAdd && { vectorsAdd: first.vectorsAdd }),
    ...(refit && { refit: { ...refit, metrics: refit.metrics as Record<string, Metrics> } }),
    timings: clock.laps,
    warnings,
    ...contents.manifest,
  };
  const metricsLines = contents.metricsLines ?? linesOf(first, refit && published.evaluated);
  watch.observe({ stage: "doing", text: `writing ${out}` });
  await writeRun(
    out,
    force,
    {
      ...{ tables: contents.tables, manifest, modelFiles: contents.files, metricsLines },
      trialLines: found?.lines,
    },
    { signal: watch.signal },
  );
  await checkpoints.remove();
  return {
    command: trainer.command,
    version,
    out,
    seconds: clock.seconds(),
    ...(threads !== undefined && { threads }),
    rows: dataset.numRows,
    ...{ trainedRows, heldOutRows },
    ...left,
    options: resolved,
    metrics: first.metrics,
    ...(first.vectorsAdd && { vectorsAdd: first.vectorsAdd }),
    ...(needs && { needs: { ...needs, memoryTaken: processMemory().most } }),
    warnings,
    ...(found && { search: found.trials, searchedBy: found.by }),
    ...(contents.summary as Partial<Summary<PartMetrics>>),
  };
}

function withUsableThreads<G extends GivenTraining>(given: G): G {
  return {
    ...given,
    ...(given.threads !== undefined && { threads: Math.min(given.threads, cores.usable()) }),
  };
}

function checkSearch({ search: trials, valid = 0 }: GivenTraining): void {
  if (trials !== undefined && valid === 0)
    throw new UsageError(
      "--search compares settings on the validation split: set --valid to a share such as 0.1, a date or a file",
    );
}

/** Runs --search on the training and the validation split, without the test split. */
async function searchSettings(
  { trainer, given, plan }: { trainer: Trainer; given: GivenTraining; plan: Plan },
  { dataset, parts, cut }: TrainingInput,
  session: Omit<Session, "controls">,
  checkpoints: Checkpoints,
): Promise<Searched> {
  const { watch, warn, note } = session;
  const { comparedBy } = plan;
  if (!parts.valid || !comparedBy)
    throw new UsageError(
      parts.valid
        ? "--search cannot compare settings of this training: it measures nothing on the validation split"
        : "--search compares settings on the validation split, which has no rows: choose another --valid",
    );
  const done = checkpoints.search?.trials.length ?? 0;
  if (done > 0) note(`resuming the search after ${done} of ${given.search} settings`);
  const silent = silentTrial(session);
  const source = { dataset, parts: { ...parts, test: undefined }, cut: { ...cut, test: undefined } };
  const found = await search(
    {
      ...{ trials: given.search!, table: trainer.options, given, seed: plan.seed, comparedBy },
      ...{ round: trainer.round, decided: plan.init ? ["dim"] : [] },
      tryOut: async (setting) => {
        const tried = await trainer.plan({ ...given, ...setting });
        const { evaluated, chosen, byUnit } = await tried.fit(source, { ...silent, controls: {} });
        const { options, metrics, epochs, bestEpoch } = evaluated;
        return { used: { ...options, ...chosen }, valid: metrics["valid"], epochs, bestEpoch, byUnit };
      },
      found: checkpoints.search,
      save: (state) => checkpoints.saveSearch(state),
    },
    watch,
  );
  for (const text of found.warnings) warn(text);
  return found;
}

type ReadByEngine = Pick<DatasetOptions, "engineAdvice">;

interface OpenedParts {
  options: ExampleOptions;
  dataset: Dataset;
  cut: SplitParts;
}

/** Reads the log according to a plan, and splits it. */
export async function openParts(
  plan: Pick<Plan, "seed" | "unlabelled" | "reading" | "wholeFor" | "accept"> & ReadByEngine,
  paths: readonly string[],
  given: GivenTraining,
  { watch, warn, note }: Pick<Session, "watch" | "warn" | "note">,
): Promise<OpenedParts> {
  const askedOptions = readingOptions(given, plan);
  const read = await readDataset(paths, askedOptions, watch);
  const options = { ...askedOptions, ...read.shaping };
  const { dataset, notes } = plan.accept?.(read.dataset, options) ?? { ...read, notes: [] };
  for (const text of notes) note(text);
  checkIds(dataset);
  const cut = await splitParts(dataset, options, plan.seed, watch);
  const byUser = [...userShareWarnings(cut.parts), ...capWarnings(cut.parts, options)];
  for (const text of [...splitWarnings(cut.by), ...byUser]) warn(text);
  return { options, dataset, cut };
}

/** @throws {DataError} the user or the item column has no value in any row */
function checkIds(dataset: Dataset): void {
  for (const role of ["user", "item"] as const) {
    const name = dataset.roles[role];
    const column = dataset.columns.find((one) => one.name === name);
    if (column?.kind === "key" && dataset.numRows > 0 && column.dictionary.size === 0)
      throw new DataError(
        `the ${role} column has no value in any of ${dataset.numRows} rows: name another with --${role}, or leave it ` +
          "out with --ignore",
        { file: dataset.inputs.map(({ path }) => path).join(", "), column: name! },
      );
  }
}

/** With --split items, only the training split: held-out items have no trained vectors, their metrics would be random. */
function partsToFit({ parts, by }: SplitParts, given: object): SplitParts["parts"] {
  if (by !== "items") return parts;
  const needing = (["refit", "search", "metric"] as const).find((name) => {
    const value = (given as Record<string, unknown>)[name];
    return value !== undefined && value !== false;
  });
  if (needing !== undefined)
    throw new UsageError(
      `${flagOf(needing)} cannot be combined with --split items: held-out items are unknown to the model ` +
        "during training",
    );
  return { train: parts.train, valid: undefined, test: undefined };
}

function checkNames({ command, options }: Trainer, given: object): void {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(options, name)) throw noSuchOption(command, name, Object.keys(options));
  }
}

function readingOptions(
  given: GivenTraining,
  {
    unlabelled = false,
    reading,
    wholeFor = [],
    engineAdvice,
  }: Pick<Plan, "unlabelled" | "reading" | "wholeFor"> & ReadByEngine,
): ExampleOptions {
  return {
    ...logOptionsOf(given, { unlabelled }),
    ...eventColumn(given),
    ...reading,
    ...(given.engine !== undefined && !given.engineTrain && { engineAdvice }),
    wholeFor: [...((given.negatives ?? 0) > 0 ? ["--negatives"] : []), ...wholeFor],
  };
}

function linesOf({ epochs }: Evaluated, refit: Evaluated | undefined): object[] {
  return [...epochs, ...(refit?.epochs.map((event) => ({ ...event, refit: true })) ?? [])];
}
