// `embed train-fm`: log → dataset → split → features → factorization machine → run directory.

import { resolve } from "node:path";
import type { Dataset } from "../dataset/dataset.js";
import { numericForms } from "../dataset/numeric.js";
import { limitEvents, type EventLimits } from "../dataset/event-limits.js";
import { recipesOf, type Preprocess } from "../dataset/preprocess.js";
import type { FeatureRows } from "../dataset/rows.js";
import { testVectors } from "../dataset/test-vectors.js";
import { parseSide } from "../dataset/side.js";
import {
  featureCounts,
  featureHashes,
  fitFeatures,
  hashingOf,
  type FeatureSpace,
} from "../dataset/vocabulary.js";
import type { VocabularyLimits } from "../dataset/vocabulary-limits.js";
import type { Metrics } from "../embedding/manifest.js";
import { DEFAULT_TABLE, RUN_MARKER, writeRun } from "../embedding/run-directory.js";
import { UsageError } from "../errors.js";
import { metricsOf } from "../evaluation/metrics.js";
import { checkOutput } from "../io/atomic.js";
import { withOovDropout, withTrainedOov } from "../sampling/oov-dropout.js";
import type { Noise } from "../sampling/noise-distribution.js";
import { fmModelFiles, fmTable } from "../trainers/fm/artifact.js";
import { scoreRows, type FmModel } from "../trainers/fm/model.js";
import { checkFmOptions, defaultFmOptions, type FmOptions } from "../trainers/fm/options.js";
import { trainFm as train } from "../trainers/fm/train.js";
import { labelledExamples, negativeExamples, type Examples } from "./examples.js";
import { countUnseen, splitParts, type SplitParts } from "./parts.js";
import { negativeFiles } from "./negative-file.js";
import type { Watch } from "./progress.js";
import { earlierRows, rowOrderNotes } from "./row-order.js";
import { readDataset, type DatasetOptions } from "./read-dataset.js";
import { splitWarnings, type SplitFlags } from "./split-options.js";
import { Stopwatch } from "./stopwatch.js";
import type { Summary } from "./summary.js";
import { version } from "../io/package-version.js";

export interface TrainFmOptions extends DatasetOptions, VocabularyLimits, EventLimits, SplitFlags {
  out: string;
  force: boolean;
  /** share of known keys that training hides, so that out-of-vocabulary features are trained; 0 when absent */
  oovDropout?: number;
  /** a run whose keys keep their row numbers within each field */
  rowOrder?: string;
  positiveFrom?: number;
  /** negatives an event, for a log without labels; 0 for a log with them */
  negatives: number;
  noise: Noise;
  /** columns that go with the item; inferred when absent */
  itemFields?: string[];
  /** what the user set; the rest is the default of the loss */
  fm: Partial<FmOptions>;
}

/**
 * Trains a factorization machine on one or several files and writes a run directory, whole or not at all.
 *
 * @throws {EmbedError} as the stages do; nothing is written then
 */
export async function trainFm(
  paths: readonly string[],
  flags: TrainFmOptions,
  watch: Watch,
): Promise<Summary> {
  const clock = new Stopwatch();
  const warnings: string[] = [];
  const warn = (text: string) => {
    warnings.push(text);
    watch.observe({ stage: "warning", text });
  };
  await checkOutput(flags.out, flags.force, "directory", RUN_MARKER);
  // a value out of range is told before a long reading; the loss decides none of the ranges
  checkFmOptions({ ...defaultFmOptions("logistic"), ...flags.fm });

  const read = await readDataset(paths, flags, collectWarnings(watch, warnings));
  const options = { ...flags, ...read.shaping };
  const { dataset, notes } = limitEvents(read.dataset, options);
  for (const text of notes) watch.observe({ stage: "note", text });
  checkTarget(dataset, options);
  const { parts, by } = await splitParts(dataset, options, seedOf(options), watch);
  for (const text of splitWarnings(by)) warn(text);
  clock.lap("read");

  const earlier = await earlierRows(options.rowOrder);
  const space = fitFeatures(dataset, parts.train.rows, options, {
    earlier,
    forms: numericForms(options.numeric, dataset.roles.numeric),
  });
  for (const text of rowOrderNotes(space, earlier)) watch.observe({ stage: "note", text });
  for (const field of space.fields) warnOfField(field, warn);
  const hashing = hashingOf(space);
  for (const [field, { keys, bits, collisionShare }] of Object.entries(hashing)) {
    const share = `${(100 * collisionShare).toFixed(1)} %`;
    const text = `'${field}': ${keys} keys hashed to ${2 ** bits} rows, ${share} of them share theirs`;
    watch.observe({ stage: "note", text });
  }
  const examples = examplesOf(space, parts, options, watch);
  countUnseen(space, parts, watch);
  clock.lap("encode");

  const loss = examples.task === "binary" ? "logistic" : "squared";
  const fmOptions: FmOptions = { ...defaultFmOptions(loss), ...options.fm };
  const { valid, test } = examples;
  const { oovDropout = 0 } = options;
  const model = await train(
    {
      numFeatures: space.numFeatures,
      featureHashes: featureHashes(space),
      counts: withTrainedOov(featureCounts(space), space, oovDropout),
      train: withOovDropout(examples.train, space, oovDropout, fmOptions.seed),
      ...(valid && { valid }),
    },
    fmOptions,
    (event) => watch.observe({ stage: "epoch", epochs: fmOptions.epochs, ...event }),
    watch.signal,
  );
  clock.lap("train");

  const metrics: Record<string, Metrics> = { train: trainMetrics(model) };
  for (const [part, rows] of Object.entries({ valid, test })) {
    if (rows) metrics[part] = await metricsOfRows(model, rows, examples, fmOptions.threads);
  }
  clock.lap("evaluate");

  const preprocess = {
    ...preprocessOf(space, dataset, examples, options),
    ...(dataset.hashKeys && { hashKeys: dataset.hashKeys }),
  };
  const resolved = resolvedOptions(paths, options, fmOptions);
  const { source } = examples.negatives ?? {};
  await writeRun(
    options.out,
    options.force,
    {
      tables: { [DEFAULT_TABLE]: fmTable(space, model) },
      manifest: {
        version,
        command: "train-fm",
        model: "fm",
        options: resolved,
        seed: fmOptions.seed,
        inputs: dataset.inputs,
        roles: dataset.roles,
        split: {
          by,
          train: parts.train.rows.length,
          valid: parts.valid?.rows.length ?? 0,
          test: parts.test?.rows.length ?? 0,
        },
        rows: dataset.numRows,
        ...(Object.keys(hashing).length > 0 && { hashing }),
        metrics,
        timings: clock.laps,
        warnings,
      },
      modelFiles: { ...fmModelFiles(space, model, preprocess), ...(source && negativeFiles(source)) },
      metricsLines: model.epochs,
    },
    { signal: watch.signal },
  );
  return {
    command: "train-fm",
    version,
    out: options.out,
    seconds: clock.seconds(),
    rows: dataset.numRows,
    options: resolved,
    metrics,
    warnings,
  };
}

/** @throws {UsageError} there is neither a label nor --negatives, or both */
function checkTarget({ roles }: Dataset, { negatives, positiveFrom }: TrainFmOptions): void {
  if (roles.label === undefined && negatives === 0) {
    throw new UsageError(
      "no column is a label: name it with --label, or, for a log of positive events, draw negatives with --negatives 4",
    );
  }
  if (negatives > 0 && roles.label !== undefined) {
    throw new UsageError(
      `--negatives is for a log without labels, but '${roles.label}' is its label: keep the positive events ` +
        `(--drop '${roles.label}=0') and --ignore ${roles.label}, or train on the labels without --negatives`,
    );
  }
  if (negatives > 0 && positiveFrom !== undefined) {
    throw new UsageError(
      "--negatives is for a log without labels, --positive-from for one with them: use one of them",
    );
  }
}

/** The seed that names splits and draws. */
function seedOf({ fm }: TrainFmOptions): number {
  return fm.seed ?? defaultFmOptions("logistic").seed;
}

function collectWarnings({ observe, signal }: Watch, warnings: string[]): Watch {
  return {
    signal,
    observe: (progress) => {
      if (progress.stage === "warning") warnings.push(progress.text);
      observe(progress);
    },
  };
}

function examplesOf(
  space: FeatureSpace,
  parts: SplitParts["parts"],
  options: TrainFmOptions,
  { observe }: Watch,
): Examples {
  if (options.negatives === 0) return labelledExamples(space, parts, options.positiveFrom);
  const { negatives, noise, itemFields, fm, minUsers = 0 } = options;
  const seed = seedOf(options);
  const examples = negativeExamples(
    space,
    parts,
    { negatives, noise, seed, minUsers, shuffle: fm.shuffle ?? true },
    itemFields,
  );
  const { exhausted } = examples.negatives!;
  if (exhausted > 0) {
    observe({ stage: "warning", text: `${exhausted} events have no negatives: their user has every item` });
  }
  const [item, ...others] = examples.negatives!.itemFields;
  const how = itemFields ? "as --item-fields says" : "inferred; --item-fields says otherwise";
  const together =
    others.length > 0
      ? `'${item}' together with ${others.map((name) => `'${name}'`).join(", ")}`
      : `'${item}' alone`;
  observe({ stage: "note", text: `a negative replaces ${together} (${how})` });
  return examples;
}

function warnOfField(field: FeatureSpace["fields"][number], warn: (text: string) => void): void {
  if (field.kind === "number" && field.count === 0)
    warn(`numeric field '${field.name}' is empty in the training part`);
  if (field.kind !== "number" && field.keys.size < 2) {
    const one = field.keys.size === 1 ? "one value" : "no value";
    warn(
      `field '${field.name}' has ${one} in the training part and tells nothing apart; --ignore leaves it out`,
    );
  }
}

function trainMetrics({ epochs, bestEpoch, loss }: FmModel): Metrics {
  const { trainLoss } = epochs[bestEpoch - 1]!;
  return loss === "logistic" ? { logLoss: trainLoss } : { rmse: Math.sqrt(trainLoss) };
}

async function metricsOfRows(
  model: FmModel,
  rows: FeatureRows,
  examples: Examples,
  threads: number,
): Promise<Metrics> {
  const scores = await scoreRows(model, rows, { threads });
  return metricsOf(examples.task, scores, rows.labels, {
    min: examples.labelRange[0],
    max: examples.labelRange[1],
  });
}

function preprocessOf(
  space: FeatureSpace,
  { roles }: Dataset,
  examples: Examples,
  options: TrainFmOptions,
): Preprocess {
  const { negatives: perEvent, noise } = options;
  return {
    roles,
    task: examples.task,
    positiveFrom: options.positiveFrom ?? null,
    fields: recipesOf(space, roles),
    // evaluate may run in another folder
    sides: options.sides.map(absoluteSide),
    drop: options.drop,
    ...(options.timeFormat !== undefined && { timeFormat: options.timeFormat }),
    ...(options.timeFields?.length && {
      timeFields: { names: options.timeFields, zone: options.timeZone ?? "Z" },
    }),
    ...(options.where && options.where.length > 0 && { where: options.where }),
    labelRange: examples.labelRange,
    negatives: examples.negatives ? { perEvent, noise, itemFields: examples.negatives.itemFields } : null,
    testVectors: testVectors(space, roles),
  };
}

/** The side table by its absolute path. */
function absoluteSide(text: string): string {
  const { path, key, sideKey } = parseSide(text);
  return `${resolve(path)}:${key}=${sideKey}`;
}

/** Every option as it was used; what the manifest and --json state. */
function resolvedOptions(
  paths: readonly string[],
  options: TrainFmOptions,
  fm: FmOptions,
): Record<string, unknown> {
  const { fm: _, out: __, force: ___, reading, unlabelled: ____, infer: ______, ...rest } = options;
  const { threads: _____, ...readingOptions } = reading;
  return { log: paths, ...rest, reading: readingOptions, ...fm };
}
