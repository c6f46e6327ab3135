// `embed train-fm`: log → dataset → split → features → factorization machine → run directory.

import { askedOf } from "../../training/asked.js";
import { eventColumn } from "../../dataset/event-weights.js";
import { limitEvents } from "../../dataset/event-limits.js";
import { ranksItems } from "../../dataset/labels.js";
import { hashingOf } from "../../dataset/vocabulary.js";
import { fieldsNamed } from "../../dataset/vocabulary-limits.js";
import { HISTORY_FILE, historyChunks } from "../../embedding/key-history.js";
import { ownRun } from "../../embedding/own-run.js";
import { DEFAULT_TABLE, writeRun } from "../../embedding/run-directory.js";
import { checkOutput } from "../../io/atomic.js";
import { version } from "../../io/package-version.js";
import { checkFmOptions } from "./options.js";
import { checkImplicitOptions } from "../als/options.js";
import { preprocessFile } from "../../training/run-space.js";
import { learnerOf } from "../learners.js";
import { Checkpoints } from "../../training/checkpoint.js";
import { identityOf, preprocessOf, resolvedOptions } from "../../training/describe-run.js";
import { openEarlier } from "../../training/warm-start.js";
import { checkMethodOptions } from "./mcmc/check-options.js";
import { itemFiles } from "../../training/item-file.js";
import { negativeFiles } from "../../training/negative-file.js";
import { splitCounts, splitParts } from "../../training/parts.js";
import { collectWarnings, type Watch } from "../../training/watch.js";
import { readDataset } from "../../training/read-dataset.js";
import { trainAndRefit } from "../../training/refit.js";
import { earlierRows } from "../../training/row-order.js";
import { checkSearch } from "../../training/search.js";
import { splitWarnings } from "../../training/split-options.js";
import { Stopwatch } from "../../training/stopwatch.js";
import type { Summary } from "../../training/summary.js";
import { checkTarget, fmOptionsOf, seedOf, type TrainFmOptions } from "./asked.js";
import type { TrainingSource } from "../../training/train-parts.js";
import { featuresOfTask } from "../../training/users-and-items.js";
import { steeringFlags } from "../../training/weekly-options.js";

/**
 * Trains a factorization machine on one or several files and writes a run directory, whole or not at all.
 *
 * @throws {EmbedError} as the stages do; nothing is written then
 */
export async function trainFm(
  paths: readonly string[],
  flags: TrainFmOptions,
  told: Watch,
): Promise<Summary> {
  const clock = new Stopwatch();
  const { watch, warnings, warn } = collectWarnings(told);
  await checkOutput(flags.out, flags.force, "directory", ownRun);
  // a value out of range is told before a long reading; the loss decides none of the ranges
  checkFmOptions(fmOptionsOf(flags, "logistic"));
  checkImplicitOptions(flags.fm, flags.task);
  checkMethodOptions(flags.fm);
  checkSearch(flags.search, flags.fm);
  learnerOf(fmOptionsOf(flags, "logistic"), flags.task ?? "binary", {
    steering: steeringFlags(flags),
    isStored: false,
  });

  const earlierRun = await openEarlier(flags, flags);
  const named = fieldsNamed({ ...flags, others: Object.keys(flags.fm.l2Field ?? {}) });
  const bounded = { ...flags, ...named, wholeFor: flagsThatLookAtAllRows(flags) };
  const read = await readDataset(paths, { ...bounded, ...eventColumn(flags) }, watch);
  const options = { ...bounded, ...read.shaping };
  const limited = limitEvents(read.dataset, options);
  checkTarget(limited.dataset, options);
  const { dataset, notes } = featuresOfTask(limited.dataset, options.task);
  for (const text of [...limited.notes, ...notes]) watch.observe({ stage: "note", text });
  const { parts, by } = await splitParts(dataset, options, seedOf(options), watch);
  for (const text of splitWarnings(by)) warn(text);
  clock.lap("read");

  const source: TrainingSource = {
    dataset,
    parts,
    rowOrder: await earlierRows(options.rowOrder),
    earlier: earlierRun,
  };
  const checkpoints = await Checkpoints.open(
    options.out,
    options,
    identityOf(paths, options, dataset.inputs, earlierRun?.run.manifest),
    watch.signal,
  );
  const { epoch } = checkpoints;
  if (epoch !== undefined) watch.observe({ stage: "note", text: `goes on after epoch ${epoch}` });
  const { first, published, refit, interrupted } = await trainAndRefit(
    source,
    options,
    { watch, warn, lap: (stage) => clock.lap(stage) },
    checkpoints,
  );
  const { metrics, trials } = first;
  const { space, examples, model, history, carried, items } = published;
  if (interrupted) warn(`interrupted: the run holds epoch ${model.bestEpoch}, the best so far`);

  const preprocess = preprocessOf(space, dataset, examples, options, items?.itemFields);
  const asked = {
    ...options,
    ...(examples.ranking && examples.task === "ranking" && { ranking: examples.ranking.options }),
  };
  const resolved = resolvedOptions(paths, asked, { ...first.options, ...model.chosen });
  const { negatives } = examples;
  const hashing = hashingOf(space);
  await writeRun(
    options.out,
    options.force,
    {
      tables: { [DEFAULT_TABLE]: published.table },
      manifest: {
        version,
        command: "train-fm",
        model: model.name,
        options: resolved,
        asked: await askedOf(paths, flags, dataset.inputs),
        seed: first.options.seed,
        inputs: dataset.inputs,
        roles: dataset.roles,
        split: splitCounts({ parts, by }),
        rows: dataset.numRows,
        ...(Object.keys(hashing).length > 0 && { hashing }),
        ...(carried && { init: carried }),
        ...(interrupted && { interrupted: true }),
        ...(trials && { search: trials }),
        metrics,
        ...(refit && { refit }),
        timings: clock.laps,
        warnings,
      },
      modelFiles: {
        ...model.files(space),
        ...preprocessFile(preprocess),
        ...(negatives && negativeFiles(negatives.source)),
        ...(items && itemFiles(items.catalogue)),
        [HISTORY_FILE]: historyChunks(history),
      },
      metricsLines: [
        ...first.epochs,
        ...(refit ? model.epochs.map((event) => ({ ...event, refit: true })) : []),
      ],
    },
    { signal: watch.signal },
  );
  await checkpoints.remove();
  return {
    command: "train-fm",
    version,
    out: options.out,
    seconds: clock.seconds(),
    rows: dataset.numRows,
    trainedRows: refit?.rows ?? parts.train.rows.length,
    options: resolved,
    metrics,
    warnings,
    ...(trials && { search: trials }),
  };
}

/** The flags for which the rows of a dataset must be in memory, whatever their bound; other trainings leave them on disk. */
function flagsThatLookAtAllRows({
  negatives,
  since,
  maxEventsPerUser,
  hashKeys,
  task,
}: TrainFmOptions): string[] {
  const given: Record<string, boolean> = {
    "--negatives": negatives > 0,
    "--since": since !== undefined,
    "--max-events-per-user": maxEventsPerUser !== undefined,
    "--hash-keys": hashKeys !== undefined,
    [`--task ${task}`]: ranksItems(task),
  };
  return Object.keys(given).filter((flag) => given[flag]);
}
