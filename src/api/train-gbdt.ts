// `embed train-gbdt`: log → dataset → split → binned columns → boosted trees → run directory.

import { eventColumn } from "../dataset/event-weights.js";
import { limitEvents } from "../dataset/event-limits.js";
import { RUN_MARKER, writeRun } from "../embedding/run-directory.js";
import { UsageError } from "../errors.js";
import { checkOutput } from "../io/atomic.js";
import { version } from "../io/package-version.js";
import { GBDT_MODEL, gbdtModelFiles, leavesTable, LEAVES_TABLE } from "../trainers/gbdt/artifact.js";
import { readingRecipe } from "./describe-run.js";
import { growForest } from "./gbdt-forest.js";
import { comparisons, splitHead, trainHead } from "./gbdt-head.js";
import { judgeForest, type FittedHead } from "./gbdt-judge.js";
import { targetOf } from "./gbdt-target.js";
import { splitParts } from "./parts.js";
import { collectWarnings, type Watch } from "./progress.js";
import { readDataset } from "./read-dataset.js";
import { splitWarnings } from "./split-options.js";
import { Stopwatch } from "./stopwatch.js";
import type { Summary } from "./summary.js";
import {
  gbdtOptionsOf,
  headOptionsOf,
  resolvedGbdtOptions,
  type TrainGbdtOptions,
} from "./train-gbdt-options.js";

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
  const note = (text: string) => watch.observe({ stage: "note", text });
  const lap = (stage: string) => clock.lap(stage);
  await checkOutput(flags.out, flags.force, "directory", RUN_MARKER);
  const gbdt = gbdtOptionsOf(flags);

  const labelIsName = flags.task === "multiclass";
  const told = { ...flags, ...eventColumn(flags), integersAreNumbers: true, labelIsName };
  const read = await readDataset(paths, told, collecting);
  const options = { ...told, ...read.shaping };
  const { dataset, notes } = limitEvents(read.dataset, options);
  notes.forEach(note);
  if (dataset.roles.label === undefined) throw new UsageError("no column is a label: name it with --label");
  const { parts, by } = await splitParts(dataset, options, gbdt.seed, collecting);
  splitWarnings(by).forEach(warn);
  lap("read");

  // the trees are grown on all rows of the training part, or on those that a head leaves them
  const { train, valid, test } = parts;
  const target = targetOf(train, options);
  const headOptions = headOptionsOf(options, target.task);
  const split = headOptions && splitHead(train, headOptions.split, gbdt.seed);
  const weighed = target.weighed(split?.trees ?? train);
  const telling = { watch: collecting, warn, lap };
  const grown = await growForest(target, weighed.train, valid && weighed.of(valid), gbdt, telling);
  const { forest, features, columns } = grown;

  let fitted: FittedHead | undefined;
  if (headOptions) {
    const rows = weighed.of(split!.head);
    const { iterations } = headOptions;
    fitted = { head: await trainHead(grown, rows, headOptions, gbdt.threads), rows, iterations };
    note(
      `trees are grown on ${weighed.train.rows.length} rows, the head is fitted on ${rows.rows.length} others`,
    );
    lap("head");
  }
  const head = fitted?.head;

  const heldOut = { valid, test };
  const metrics = await judgeForest(
    grown,
    fitted,
    target,
    heldOut,
    (part) => weighed.of(part),
    gbdt.threads,
    note,
  );
  const entropies = head && comparisons(metrics, target.labelled(train).labels);
  lap("evaluate");

  const preprocess = {
    roles: dataset.roles,
    task: target.task,
    ...readingRecipe(options, dataset),
    ...(target.classes && { classes: target.classes }),
    labelRange: target.labelRange,
    columns,
  };
  const resolved = resolvedGbdtOptions(paths, options, gbdt);
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
          train: train.rows.length,
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
      metricsLines: grown.events,
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
