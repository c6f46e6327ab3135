// `embed train-fm`: log → dataset → split → features → factorization machine → run directory.

import { numericForms } from "../dataset/numeric.js";
import { parseEventWeight } from "../dataset/event-weights.js";
import { limitEvents } from "../dataset/event-limits.js";
import type { FeatureRows } from "../dataset/rows.js";
import { featureCounts, fitFeatures, hashingOf, type FeatureSpace } from "../dataset/vocabulary.js";
import type { Metrics } from "../embedding/manifest.js";
import { DEFAULT_TABLE, RUN_MARKER, writeRun } from "../embedding/run-directory.js";
import { metricsOf } from "../evaluation/metrics.js";
import { checkOutput } from "../io/atomic.js";
import { withOovDropout, withTrainedOov } from "../sampling/oov-dropout.js";
import { checkFmOptions, defaultFmOptions, type FmOptions } from "../trainers/fm/options.js";
import { learnerOf, preprocessFile } from "../trainers/learners.js";
import type { Trained } from "../trainers/trained.js";
import type { Examples } from "./examples.js";
import { countUnseen, splitParts } from "./parts.js";
import { negativeFiles } from "./negative-file.js";
import type { Watch } from "./progress.js";
import { earlierRows, rowOrderNotes } from "./row-order.js";
import { readDataset } from "./read-dataset.js";
import { splitWarnings } from "./split-options.js";
import { preprocessOf, resolvedOptions } from "./describe-run.js";
import { examplesOf } from "./training-examples.js";
import { checkTarget, seedOf, type TrainFmOptions } from "./train-fm-options.js";
import { Stopwatch } from "./stopwatch.js";
import type { Summary } from "./summary.js";
import { version } from "../io/package-version.js";

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
  checkFmOptions({ ...defaultFmOptions("logistic", flags.fm.method), ...flags.fm });

  const { eventWeight } = flags;
  const event = eventWeight === undefined ? {} : { event: parseEventWeight(eventWeight).column };
  const read = await readDataset(paths, { ...flags, ...event }, collectWarnings(watch, warnings));
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
  const fmOptions: FmOptions = { ...defaultFmOptions(loss, options.fm.method), ...options.fm };
  const { valid, test } = examples;
  const { oovDropout = 0 } = options;
  const model = await learnerOf(fmOptions, examples.task)(
    {
      space,
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
      tables: { [DEFAULT_TABLE]: model.table(space) },
      manifest: {
        version,
        command: "train-fm",
        model: model.name,
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
      modelFiles: {
        ...model.files(space),
        ...preprocessFile(preprocess),
        ...(source && negativeFiles(source)),
      },
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

function collectWarnings({ observe, signal }: Watch, warnings: string[]): Watch {
  return {
    signal,
    observe: (progress) => {
      if (progress.stage === "warning") warnings.push(progress.text);
      observe(progress);
    },
  };
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

function trainMetrics({ epochs, bestEpoch, loss }: Trained): Metrics {
  const { trainLoss } = epochs[bestEpoch - 1]!;
  return loss === "logistic" ? { logLoss: trainLoss } : { rmse: Math.sqrt(trainLoss) };
}

async function metricsOfRows(
  model: Trained,
  rows: FeatureRows,
  examples: Examples,
  threads: number,
): Promise<Metrics> {
  const scores = await model.score(rows, { threads });
  return metricsOf(examples.task, scores, rows.labels, {
    clip: { min: examples.labelRange[0], max: examples.labelRange[1] },
    ...(rows.weights && { weights: rows.weights }),
  });
}
