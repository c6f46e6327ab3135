// `embed train-gbdt`: log → dataset → split → binned columns → boosted trees → run directory.

import { eventColumn } from "../../dataset/event-weights.js";
import { limitEvents } from "../../dataset/event-limits.js";
import { ownRun } from "../../embedding/own-run.js";
import { writeRun } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { checkOutput } from "../../io/atomic.js";
import { version } from "../../io/package-version.js";
import { byGain, importancesOf } from "./importances.js";
import { askedOf } from "../../training/asked.js";
import { gbdtContents } from "./contents.js";
import { withCtr } from "./ctr.js";
import { entitiesOf, leafVectorsOf } from "./entities.js";
import { likeEarlier, openEarlierTrees } from "./init.js";
import type { ModelJob } from "./fit.js";
import { fitAndRefit } from "./refit-on-all.js";
import { targetOf } from "./target.js";
import { Checkpoints } from "../../training/checkpoint.js";
import { splitParts } from "../../training/parts.js";
import { collectWarnings, type Watch } from "../../training/watch.js";
import { readDataset } from "../../training/read-dataset.js";
import { splitWarnings } from "../../training/split-options.js";
import { Stopwatch } from "../../training/stopwatch.js";
import type { Summary } from "../../training/summary.js";
import {
  checkCtr,
  decayOf,
  gbdtIdentity,
  gbdtOptionsOf,
  headOptionsOf,
  resolvedGbdtOptions,
  type TrainGbdtOptions,
} from "./asked.js";

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
  await checkOutput(flags.out, flags.force, "directory", ownRun);
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
  const split = await splitParts(dataset, options, gbdt.seed, collecting);
  splitWarnings(split.by).forEach(warn);
  clock.lap("read");

  const target = targetOf(split.parts.train, options, earlier?.preprocess);
  const { parts, statistics = [] } = withCtr(split.parts, target, options.ctr, gbdt.seed);
  const head = headOptionsOf(options, target.task);
  const identity = gbdtIdentity(paths, options, gbdt, dataset.inputs, earlier?.files);
  const checkpoints = await Checkpoints.open(options.out, options, identity, watch.signal);
  if (checkpoints.epoch !== undefined) note(`goes on after tree ${checkpoints.epoch}`);
  const job: ModelJob = {
    prediction: target,
    ...{ gbdt, head, earlier, decay, watch: collecting, warn, note },
    lap: (stage) => clock.lap(stage),
  };
  const fitted = await fitAndRefit(parts, options, job, checkpoints);
  const { grown } = fitted.model;
  if (fitted.interrupted) warn(`interrupted: the run holds ${grown.bestEpoch} trees, the best so far`);

  const { entity, dense: dim } = options;
  const entities = entity && (await entitiesOf(grown, parts.train, entity, gbdt, collecting));
  const dense = dim && (await leafVectorsOf(grown, parts.train, dim, gbdt, collecting));
  const resolved = resolvedGbdtOptions(paths, options, gbdt);
  const contents = gbdtContents({
    ...fitted,
    ...{ dataset, split, options, gbdt, job, statistics, entities, dense: dense || undefined },
    told: {
      options: resolved,
      asked: await askedOf(paths, flags, dataset.inputs),
      timings: clock.laps,
      warnings,
    },
  });
  await writeRun(options.out, options.force, contents, { signal: watch.signal });
  await checkpoints.remove();
  return {
    command: "train-gbdt",
    version,
    out: options.out,
    seconds: clock.seconds(),
    rows: dataset.numRows,
    trainedRows: fitted.refit?.rows ?? split.parts.train.rows.length,
    options: resolved,
    metrics: fitted.first.metrics,
    warnings,
    ...(dense && { dense: dense.fit }),
    importances: byGain(importancesOf(grown.forest)),
  };
}
