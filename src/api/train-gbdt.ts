// `embed train-gbdt`: log → dataset → split → binned columns → boosted trees → run directory.

import { eventColumn } from "../dataset/event-weights.js";
import { limitEvents } from "../dataset/event-limits.js";
import { DEFAULT_TABLE, RUN_MARKER, writeRun } from "../embedding/run-directory.js";
import { UsageError } from "../errors.js";
import { checkOutput } from "../io/atomic.js";
import { version } from "../io/package-version.js";
import {
  GBDT_MODEL,
  gbdtModelFiles,
  leavesTable,
  LEAVES_TABLE,
  statisticsFiles,
} from "../trainers/gbdt/artifact.js";
import { byGain, importancesOf } from "../trainers/gbdt/importances.js";
import { readingRecipe } from "./describe-run.js";
import { Boosting } from "./gbdt-checkpoint.js";
import { withCtr } from "./gbdt-ctr.js";
import { comparisons } from "./gbdt-head.js";
import { entitiesOf } from "./gbdt-entities.js";
import { likeEarlier, openEarlierTrees } from "./gbdt-init.js";
import { judgeForest } from "./gbdt-judge.js";
import { fitModel, type ModelJob } from "./gbdt-model.js";
import { refitOnAll } from "./gbdt-refit.js";
import { targetOf } from "./gbdt-target.js";
import { splitCounts, splitParts } from "./parts.js";
import { collectWarnings, type Watch } from "./progress.js";
import { readDataset } from "./read-dataset.js";
import { splitWarnings } from "./split-options.js";
import { Stopwatch } from "./stopwatch.js";
import type { Summary } from "./summary.js";
import {
  checkCtr,
  decayOf,
  gbdtIdentity,
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
  await checkOutput(flags.out, flags.force, "directory", RUN_MARKER);
  const gbdt = gbdtOptionsOf(flags);
  const decay = decayOf(flags);
  checkCtr(flags);
  const earlier = await openEarlierTrees(flags);

  const asked = { ...flags, ...likeEarlier(earlier, flags) };
  const labelIsName = asked.task === "multiclass";
  const told = {
    ...asked,
    ...eventColumn(asked),
    integersAreNumbers: true,
    labelIsName,
    ids: [...(flags.ctr?.columns ?? []), ...(flags.entity ? [flags.entity.column] : [])],
  };
  const read = await readDataset(paths, told, collecting);
  const options = { ...told, ...read.shaping };
  const { dataset, notes } = limitEvents(read.dataset, options);
  notes.forEach(note);
  if (dataset.roles.label === undefined) throw new UsageError("no column is a label: name it with --label");
  const { parts: bare, by } = await splitParts(dataset, options, gbdt.seed, collecting);
  splitWarnings(by).forEach(warn);
  clock.lap("read");

  const target = targetOf(bare.train, options, earlier?.preprocess);
  const { parts, statistics = [] } = withCtr(bare, target, options.ctr, gbdt.seed);
  const head = headOptionsOf(options, target.task);
  const identity = gbdtIdentity(paths, options, gbdt, dataset.inputs, earlier?.files);
  const boosting = await Boosting.open(options.out, options, identity, collecting);
  const job: ModelJob = {
    prediction: target,
    ...{ gbdt, head, earlier, decay, watch: collecting, warn, note },
    lap: (stage) => clock.lap(stage),
    boost: (input, own, observe) => boosting.run(input, own, observe, (head?.crossFit ?? 1) === 1),
  };
  const first = await fitModel(parts, job);
  const metrics = await judgeForest(
    first,
    target,
    { valid: parts.valid, test: parts.test },
    gbdt.threads,
    note,
  );
  const entropies = first.fitted && comparisons(metrics, target.labelled(parts.train).labels);
  clock.lap("evaluate");
  const { model, refit, interrupted } = await refitOnAll(first, parts, options, job);
  if (interrupted) warn(`interrupted: the run holds ${model.grown.numIterations} trees, the best so far`);

  const { forest, features, columns, events } = model.grown;
  const entities =
    options.entity && (await entitiesOf(model.grown, parts.train, options.entity, gbdt, collecting));
  const fittedHead = model.fitted?.head;
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
      tables: {
        ...(entities && { [DEFAULT_TABLE]: entities }),
        [LEAVES_TABLE]: leavesTable(forest, fittedHead),
      },
      manifest: {
        version,
        command: "train-gbdt",
        model: GBDT_MODEL,
        options: resolved,
        seed: gbdt.seed,
        inputs: dataset.inputs,
        roles: dataset.roles,
        split: splitCounts({ parts, by }),
        rows: dataset.numRows,
        ...(earlier && {
          init: {
            run: earlier.run,
            trees: earlier.forest.trees.length,
            ...(decay !== undefined && { refitDecay: decay }),
          },
        }),
        ...(interrupted && { interrupted: true }),
        metrics,
        ...(entropies && { normalizedEntropy: entropies }),
        ...(refit && { refit }),
        timings: clock.laps,
        warnings,
      },
      modelFiles: {
        ...gbdtModelFiles(forest, features, gbdt, preprocess, fittedHead),
        ...statisticsFiles(statistics),
      },
      metricsLines: [
        ...first.grown.events,
        ...(refit ? events.map((event) => ({ ...event, refit: true })) : []),
      ],
    },
    { signal: watch.signal },
  );
  await boosting.remove();
  return {
    command: "train-gbdt",
    version,
    out: options.out,
    seconds: clock.seconds(),
    rows: dataset.numRows,
    options: resolved,
    metrics,
    warnings,
    importances: byGain(importancesOf(forest)),
  };
}
