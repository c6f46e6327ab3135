// `embed train-net`: log → dataset → split → features → network above an embedding layer → run directory.

import { hashingOf } from "../../dataset/vocabulary.js";
import { HISTORY_FILE, historyChunks } from "../../embedding/key-history.js";
import type { Asked, Metrics } from "../../embedding/manifest.js";
import { ownRun } from "../../embedding/own-run.js";
import { DEFAULT_TABLE, writeRun } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { checkOutput } from "../../io/atomic.js";
import { version } from "../../io/package-version.js";
import { preprocessFile } from "../../training/run-space.js";
import { NET_MODEL, netModelFiles, netTable, scoreRows, type NetModel } from "./model.js";
import { checkNetOptions, netOptionsOf, type NetOptions } from "./options.js";
import { askedOf } from "../../training/asked.js";
import { preprocessOf } from "../../training/describe-run.js";
import { itemFiles } from "../../training/item-file.js";
import { nextHistory } from "../../training/key-history.js";
import { netOutcomeWarnings } from "./outcome.js";
import { negativeFiles } from "../../training/negative-file.js";
import { keysOf, openTableStart, startFrom, type NetStart } from "./init.js";
import { checkTaskOf, prepareNet, trainPrepared, type NetJob, type PreparedNet } from "./parts.js";
import { metricsOfRows, trainMetrics } from "../../training/part-metrics.js";
import { splitCounts } from "../../training/parts.js";
import { collectWarnings, type Watch } from "../../training/watch.js";
import { Stopwatch } from "../../training/stopwatch.js";
import { stoppingJudge } from "../../training/stopping-judge.js";
import type { Summary } from "../../training/summary.js";
import { optionsOfTask, type TrainNetOptions } from "./asked.js";

/** --init that is no run. */
const RANDOM = "random";

/**
 * Trains a network above an embedding layer on one or several files and writes a run directory, whole or not at all.
 *
 * @throws {EmbedError} as the stages do; nothing is written then
 */
export async function trainNet(
  paths: readonly string[],
  options: TrainNetOptions,
  told: Watch,
): Promise<Summary> {
  const clock = new Stopwatch();
  const { watch, warnings, warn } = collectWarnings(told);
  const { out, force, init, keepKeys = false, net: own } = options;
  await checkOutput(out, force, "directory", ownRun);
  checkNetOptions(own);
  // a run that does not fit is told before a long reading
  const earlier = init === undefined || init === RANDOM ? undefined : await openTableStart(init, own.dim);
  if (own.freezeEmbeddings && !earlier)
    throw new UsageError(
      "--freeze-embeddings keeps a table as it is, and a random start has none: give --init RUN",
    );

  if (keepKeys && !earlier)
    throw new UsageError("--keep-keys keeps a table's keys, and a random start has none: give --init RUN");

  const { seed } = netOptionsOf(own, "logistic");
  const preparing = { seed, beside: out, ...(keepKeys && earlier && { known: keysOf(earlier) }) };
  const prepared = await prepareNet(paths, options, preparing, { watch, warn });
  const { space, examples, dataset } = prepared;
  const task = checkTaskOf(examples);
  clock.lap("read");

  const start = earlier && startFrom(earlier, space, dataset.roles, task);
  for (const text of start?.notes ?? []) watch.observe({ stage: "note", text });
  for (const text of start?.warnings ?? []) warn(text);
  const net = { ...optionsOfTask(own, task), ...(earlier && { dim: earlier.dim }) };
  const model = await trainPrepared(prepared, jobOf(prepared, options, net, start, watch), watch);
  if (model.interrupted) warn(`interrupted: the run holds epoch ${model.bestEpoch}, the best so far`);
  clock.lap("train");

  const metrics = await metricsOfParts(prepared, model, net);
  for (const text of netOutcomeWarnings(model, metrics, examples, net, options.metric)) warn(text);
  clock.lap("evaluate");
  const resolved = resolvedOptions(paths, options, prepared, net);
  const asked = await askedOf(paths, options, dataset.inputs, [
    start ? options.init : undefined,
    options.rowOrder,
  ]);
  await writeNetRun(
    { prepared, model, start, options, net, resolved, asked, metrics, warnings, clock },
    watch.signal,
  );
  return {
    command: "train-net",
    version,
    out,
    seconds: clock.seconds(),
    rows: dataset.numRows,
    trainedRows: prepared.parts.train.rows.length,
    options: resolved,
    metrics,
    warnings,
  };
}

function jobOf(
  { examples }: PreparedNet,
  { metric }: TrainNetOptions,
  net: NetOptions,
  start: NetStart | undefined,
  { finishInstead }: Watch,
): NetJob {
  const judge = stoppingJudge(metric, examples);
  return {
    net,
    ...(start && { start: { table: start.table, kind: "table" } }),
    controls: { ...(judge && { judge }), ...(finishInstead && { onInterrupt: finishInstead }) },
  };
}

async function metricsOfParts(
  { space, examples }: PreparedNet,
  model: NetModel,
  { loss, threads }: NetOptions,
): Promise<Record<string, Metrics>> {
  const metrics: Record<string, Metrics> = { train: trainMetrics({ ...model, loss }) };
  const scorer = {
    score: (rows: Parameters<typeof scoreRows>[2]) => scoreRows(space, model, rows, { threads }),
  };
  for (const part of ["valid", "test"] as const) {
    const rows = examples[part];
    if (rows) metrics[part] = await metricsOfRows(scorer, rows, examples, threads);
  }
  return metrics;
}

/** All that goes into a run. */
interface NetRun {
  prepared: PreparedNet;
  model: NetModel;
  start: NetStart | undefined;
  options: TrainNetOptions;
  net: NetOptions;
  resolved: Record<string, unknown>;
  asked: Asked;
  metrics: Record<string, Metrics>;
  warnings: string[];
  clock: Stopwatch;
}

async function writeNetRun(
  { prepared, model, start, options, net, resolved, asked, metrics, warnings, clock }: NetRun,
  signal: AbortSignal,
): Promise<void> {
  const { dataset, parts, by, space, examples, items } = prepared;
  const { negatives } = examples;
  const hashing = hashingOf(space);
  const manifest = {
    version,
    command: "train-net",
    model: NET_MODEL,
    options: resolved,
    asked,
    seed: net.seed,
    inputs: dataset.inputs,
    roles: dataset.roles,
    split: splitCounts({ parts, by }),
    rows: dataset.numRows,
    ...(Object.keys(hashing).length > 0 && { hashing }),
    ...(start && { init: start.carried }),
    ...(model.interrupted && { interrupted: true as const }),
    metrics,
    timings: clock.laps,
    warnings,
  };
  const modelFiles = {
    ...netModelFiles(space, model),
    ...preprocessFile(preprocessOf(space, dataset, examples, prepared.options, items?.itemFields)),
    ...(negatives && negativeFiles(negatives.source)),
    ...(items && itemFiles(items.catalogue)),
    [HISTORY_FILE]: historyChunks(nextHistory(space, dataset)),
  };
  const tables = { [DEFAULT_TABLE]: netTable(space, model) };
  const contents = { tables, manifest, modelFiles, metricsLines: model.epochs };
  await writeRun(options.out, options.force, contents, { signal });
}

/** Every option as it was used; what the manifest and --json state. */
function resolvedOptions(
  paths: readonly string[],
  { init = RANDOM, metric }: TrainNetOptions,
  { options: data }: PreparedNet,
  net: NetOptions,
): Record<string, unknown> {
  const { reading, unlabelled: _, infer: __, ...rest } = data;
  const { threads: ___, ...readingOptions } = reading;
  const { out: ____, force: _____, net: ______, ...used } = rest as TrainNetOptions;
  return { log: paths, ...used, reading: readingOptions, init, ...(metric && { metric }), ...net };
}
