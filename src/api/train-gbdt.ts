// `embed train-gbdt`: log → dataset → split → binned columns → boosted trees → run directory.

import { resolve } from "node:path";
import type { Dataset } from "../dataset/dataset.js";
import { limitEvents, type EventLimits } from "../dataset/event-limits.js";
import { eventWeights, eventColumn, type EventWeightOptions } from "../dataset/event-weights.js";
import { labelsOf, type LabelledTask } from "../dataset/labels.js";
import { parseSide } from "../dataset/side.js";
import type { Metrics } from "../embedding/manifest.js";
import { RUN_MARKER, writeRun } from "../embedding/run-directory.js";
import { DataError, UsageError } from "../errors.js";
import { metricsOf } from "../evaluation/metrics.js";
import { checkOutput } from "../io/atomic.js";
import { version } from "../io/package-version.js";
import { GBDT_MODEL, gbdtModelFiles, leavesTable, LEAVES_TABLE } from "../trainers/gbdt/artifact.js";
import { headScores } from "../trainers/gbdt/head.js";
import { binnedColumn, fitTreeFeatures, type Feature } from "../trainers/gbdt/features.js";
import type { Forest } from "../trainers/gbdt/forest.js";
import {
  checkGbdtOptions,
  defaultGbdtOptions,
  defaultHead,
  type GbdtOptions,
  type HeadOptions,
} from "../trainers/gbdt/options.js";
import { columnRecipes, vocabulariesOf, type GbdtPreprocess } from "../trainers/gbdt/preprocess.js";
import { scoresOf } from "../trainers/gbdt/scorer.js";
import { trainGbdt as train, type GbdtRows } from "../trainers/gbdt/train.js";
import { unknownCategories } from "../trainers/gbdt/unknown.js";
import type { Part } from "./examples.js";
import { comparisons, scoresWithoutTrees, splitHead, trainHead, type LabelledPart } from "./gbdt-head.js";
import { splitParts } from "./parts.js";
import { collectWarnings, type Watch } from "./progress.js";
import { readDataset, type DatasetOptions } from "./read-dataset.js";
import { splitWarnings, type SplitFlags } from "./split-options.js";
import { Stopwatch } from "./stopwatch.js";
import type { Summary } from "./summary.js";

export interface TrainGbdtOptions extends DatasetOptions, EventLimits, EventWeightOptions, SplitFlags {
  out: string;
  force: boolean;
  /** what is predicted; by the labels when absent */
  task?: LabelledTask;
  positiveFrom?: number;
  /** a logistic regression on the leaves, with these in place of the defaults; none when absent */
  head?: Partial<HeadOptions>;
  /** what the user set; the rest is default */
  gbdt: Partial<GbdtOptions>;
}

/** Trees between two reports. */
const REPORTED = 10;

/**
 * Trains boosted trees on one or several files and writes a run directory, whole or not at all.
 *
 * @throws {EmbedError} as the stages do; nothing is written then
 */
export async function trainGbdt(
  paths: readonly string[],
  flags: TrainGbdtOptions,
  watch: Watch,
): Promise<Summary> {
  const clock = new Stopwatch();
  const { watch: collecting, warnings, warn } = collectWarnings(watch);
  const { observe } = collecting;
  await checkOutput(flags.out, flags.force, "directory", RUN_MARKER);
  const gbdt: GbdtOptions = { ...defaultGbdtOptions(), ...flags.gbdt };
  checkGbdtOptions(gbdt);

  const told = { ...flags, ...eventColumn(flags), integersAreNumbers: true };
  const read = await readDataset(paths, told, collecting);
  const options = { ...told, ...read.shaping };
  const { dataset, notes } = limitEvents(read.dataset, options);
  for (const text of notes) observe({ stage: "note", text });
  if (dataset.roles.label === undefined) throw new UsageError("no column is a label: name it with --label");
  const { parts, by } = await splitParts(dataset, options, gbdt.seed, collecting);
  for (const text of splitWarnings(by)) warn(text);
  clock.lap("read");

  const { task, labelRange } = targetOf(parts.train, options);
  const headOptions = options.head && checkedHead({ ...defaultHead, ...options.head }, task);
  const split = headOptions && splitHead(parts.train, headOptions.split, gbdt.seed);
  const grownOn = split?.trees ?? parts.train;
  const features = fitTreeFeatures(dataset, grownOn.rows, gbdt);
  for (const feature of features) warnOf(feature, grownOn.rows.length, warn);
  const weights = eventWeights(dataset, grownOn.rows, options);
  const labelledPart = (part: Part): LabelledPart => {
    const own = part === grownOn ? weights.train : weights.of(part.dataset, part.rows);
    return { ...part, ...labelled(part, task, options.positiveFrom), ...(own && { weights: own }) };
  };
  const rowsOf = (part: Part): GbdtRows => ({
    columns: features.map((feature) => binnedColumn(part.dataset, feature)),
    ...labelledPart(part),
  });
  clock.lap("bin");

  const { valid, test } = parts;
  const model = await train(
    { features, objective: task, train: rowsOf(grownOn), ...(valid && { valid: rowsOf(valid) }) },
    gbdt,
    (event) => {
      if (event.epoch % REPORTED === 0 || event.epoch === gbdt.numTrees)
        observe({ stage: "epoch", epochs: gbdt.numTrees, ...event });
    },
    watch.signal,
  );
  clock.lap("train");

  const columns = columnRecipes(features);
  const vocabularies = vocabulariesOf(columns);
  const forest: Forest = {
    objective: task,
    columns: columns.map(({ name, kind }) => ({ name, kind, missing: "nan" })),
    trees: model.trees,
  };
  const encoder = { forest, vocabularies, features, threads: gbdt.threads };
  const headRows = split && labelledPart(split.head);
  const head = headRows && (await trainHead(encoder, headRows, headOptions!));
  if (headRows) {
    observe({
      stage: "note",
      text: `trees are grown on ${grownOn.rows.length} rows, the head is fitted on ${headRows.rows.length} others`,
    });
    clock.lap("head");
  }

  const metrics: Record<string, Metrics> = {};
  const last = model.events[model.trees.length - 1];
  if (last)
    metrics["train"] = task === "binary" ? { logLoss: last.trainLoss } : { rmse: Math.sqrt(last.trainLoss) };
  for (const [name, part] of Object.entries({ valid, test })) {
    if (!part) continue;
    for (const text of unknownCategories(part.dataset, vocabularies, part.rows))
      observe({ stage: "note", text: `${name}: ${text}` });
    const judged = labelledPart(part);
    const judge = (scores: Float64Array): Metrics =>
      metricsOf(task, scores, judged.labels, {
        clip: { min: labelRange[0], max: labelRange[1] },
        ...(judged.weights && { weights: judged.weights }),
      });
    const ofTrees = judge(await scoresOf(forest, part.dataset, part.rows, vocabularies, gbdt.threads));
    if (head && headRows) {
      metrics[name] = judge(await headScores(head, forest, vocabularies, part, gbdt.threads));
      metrics[`${name}Trees`] = ofTrees;
      metrics[`${name}Lr`] = judge(scoresWithoutTrees(features, headRows, part, headOptions!.iterations));
    } else metrics[name] = ofTrees;
  }
  const rate = labelledPart(parts.train).labels;
  const entropies = head && comparisons(metrics, rate);
  clock.lap("evaluate");

  const preprocess = { ...preprocessOf(dataset, task, labelRange, options), columns };
  const resolved = resolvedOptions(paths, options, gbdt);
  await writeRun(
    options.out,
    options.force,
    {
      tables: { [LEAVES_TABLE]: leavesTable(forest, head) },
      manifest: {
        version,
        command: "train-gbdt",
        model: GBDT_MODEL,
        options: resolved,
        seed: gbdt.seed,
        inputs: dataset.inputs,
        roles: dataset.roles,
        split: {
          by,
          train: parts.train.rows.length,
          valid: valid?.rows.length ?? 0,
          test: test?.rows.length ?? 0,
        },
        rows: dataset.numRows,
        metrics,
        ...(entropies && { normalizedEntropy: entropies }),
        timings: clock.laps,
        warnings,
      },
      modelFiles: gbdtModelFiles(forest, features, gbdt, preprocess, head),
      metricsLines: model.events,
    },
    { signal: watch.signal },
  );
  return {
    command: "train-gbdt",
    version,
    out: options.out,
    seconds: clock.seconds(),
    rows: dataset.numRows,
    options: resolved,
    metrics,
    warnings,
  };
}

/** @throws {DataError} all labels of the training part are alike */
function targetOf(
  part: Part,
  { positiveFrom, task: told }: TrainGbdtOptions,
): { task: LabelledTask; labelRange: [number, number] } {
  const { task, values } = labelsOf(part.dataset, positiveFrom, told);
  let [low, high] = [Infinity, -Infinity];
  for (const row of part.rows) [low, high] = [Math.min(low, values[row]!), Math.max(high, values[row]!)];
  if (low === high) {
    throw new DataError(
      `the label is ${low} in all ${part.rows.length} training rows, so there is nothing to learn from it`,
      { file: part.dataset.inputs.map(({ path }) => path).join(", "), column: part.dataset.roles.label! },
    );
  }
  return { task, labelRange: [low, high] };
}

function labelled(
  { dataset, rows }: Part,
  task: LabelledTask,
  positiveFrom: number | undefined,
): { labels: Float32Array } {
  const { values } = labelsOf(dataset, positiveFrom, task);
  return { labels: Float32Array.from(rows, (row) => values[row]!) };
}

/** @throws {UsageError} an option out of range, or labels that are no classes */
function checkedHead(head: HeadOptions, task: LabelledTask): HeadOptions {
  if (task !== "binary") throw new UsageError("--head lr is for labels of 0 and 1");
  if (!(head.l2 >= 0)) throw new UsageError(`--head-l2 is a number from 0 on, got ${head.l2}`);
  return head;
}

function warnOf(feature: Feature, numRows: number, warn: (text: string) => void): void {
  const { name } = feature;
  if (feature.kind === "number") {
    if (feature.edges.length === 0 && feature.min === feature.max)
      warn(`column '${name}' has one number or none in the training part and tells nothing apart`);
    return;
  }
  const { keys } = feature.field;
  if (keys.size < 2)
    warn(`column '${name}' has one category or none in the training part and tells nothing apart`);
  // an id of its own in nine rows of ten
  else if (keys.size > 0.9 * numRows)
    warn(`column '${name}' has another category in nearly every row, as an id has: --ignore leaves it out`);
}

function preprocessOf(
  { roles, hashKeys }: Dataset,
  task: LabelledTask,
  labelRange: [number, number],
  options: TrainGbdtOptions,
): Omit<GbdtPreprocess, "columns"> {
  const { positiveFrom, sides, drop, where, timeFormat, timeFields, timeZone, eventWeight } = options;
  return {
    roles,
    task,
    positiveFrom: positiveFrom ?? null,
    // the run may be used from another folder
    sides: sides.map((text) => {
      const { path, key, sideKey } = parseSide(text);
      return `${resolve(path)}:${key}=${sideKey}`;
    }),
    drop,
    ...(where && where.length > 0 && { where }),
    ...(timeFormat !== undefined && { timeFormat }),
    ...(timeFields?.length && { timeFields: { names: timeFields, zone: timeZone ?? "Z" } }),
    ...(eventWeight !== undefined && { eventWeight }),
    labelRange,
    ...(hashKeys && { hashKeys }),
  };
}

/** Every option as it was used; what the manifest and --json state. */
function resolvedOptions(
  paths: readonly string[],
  options: TrainGbdtOptions,
  gbdt: GbdtOptions,
): Record<string, unknown> {
  const { gbdt: _, out: __, force: ___, reading, unlabelled: ____, infer: _____, ...rest } = options;
  const { threads: ______, ...readingOptions } = reading;
  return { log: paths, ...rest, reading: readingOptions, ...gbdt };
}
