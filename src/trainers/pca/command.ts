// `embed train-pca`: log → dataset → split → features → matrix → components → run directory.

import { askedOf } from "../../training/asked.js";
import { eventColumn } from "../../dataset/event-weights.js";
import { limitEvents } from "../../dataset/event-limits.js";
import { recipesOf } from "../../dataset/preprocess.js";
import { fieldsNamed } from "../../dataset/vocabulary-limits.js";
import { testVectors } from "../../dataset/test-vectors.js";
import { HISTORY_FILE, historyChunks } from "../../embedding/key-history.js";
import type { PartMetrics } from "../../embedding/manifest.js";
import { ownRun } from "../../embedding/own-run.js";
import { DEFAULT_TABLE, writeRun } from "../../embedding/run-directory.js";
import { checkOutput } from "../../io/atomic.js";
import { version } from "../../io/package-version.js";
import { preprocessFile } from "../../training/run-space.js";
import { pcaModelFiles, pcaTable } from "./artifact.js";
import { PCA_MODELS, type PcaModel } from "./model.js";
import { checkPcaOptions, pcaOptionsOf, type PcaOptions } from "./options.js";
import { readingRecipe } from "../../training/describe-run.js";
import { nextHistory } from "../../training/key-history.js";
import { negativeFiles } from "../../training/negative-file.js";
import { splitCounts, splitParts } from "../../training/parts.js";
import { collectWarnings, type Watch } from "../../training/watch.js";
import { readDataset } from "../../training/read-dataset.js";
import { earlierRows, rowOrderNotes } from "../../training/row-order.js";
import { splitWarnings } from "../../training/split-options.js";
import { Stopwatch } from "../../training/stopwatch.js";
import type { Summary } from "../../training/summary.js";
import { checkPcaLog, type TrainPcaOptions } from "./asked.js";
import { decomposeParts } from "./parts.js";

/**
 * Decomposes one or several files into principal components and writes a run directory, whole or not at all.
 *
 * @throws {EmbedError} as the stages do; nothing is written then
 */
export async function trainPca(
  paths: readonly string[],
  flags: TrainPcaOptions,
  watch: Watch,
): Promise<Summary<PartMetrics>> {
  const clock = new Stopwatch();
  const { watch: collecting, warnings, warn } = collectWarnings(watch);
  await checkOutput(flags.out, flags.force, "directory", ownRun);
  checkPcaOptions(flags.pca);
  const pca = pcaOptionsOf(flags.pca);

  const told = { ...flags, ...eventColumn(flags), ...fieldsNamed(flags) };
  const read = await readDataset(
    paths,
    { ...told, ...(pca.matrix === "columns" && { integersAreNumbers: true }) },
    collecting,
  );
  const options = { ...told, ...read.shaping };
  const { dataset, notes } = limitEvents(read.dataset, options);
  for (const text of notes) collecting.observe({ stage: "note", text });
  checkPcaLog(dataset, options);
  const { parts, by } = await splitParts(dataset, options, pca.seed, collecting);
  for (const text of splitWarnings(by)) warn(text);
  clock.lap("read");

  const rowOrder = await earlierRows(options.rowOrder);
  const found = await decomposeParts({ dataset, parts, rowOrder }, options, pca, collecting);
  const { space, model, negatives, part } = found;
  for (const text of rowOrderNotes(space, rowOrder)) collecting.observe({ stage: "note", text });
  tellOf(model, flags.pca.dim, pca, collecting);
  clock.lap("train");

  const ratios = [...model.explainedVarianceRatio];
  const metrics: Record<string, PartMetrics> = {
    train: {
      explainedVarianceRatioTotal: ratios.reduce((sum, x) => sum + x, 0),
      explainedVarianceRatio: ratios,
    },
    ...(await found.heldOut()),
  };
  clock.lap("evaluate");

  const { roles } = part.dataset;
  const preprocess = {
    roles,
    task: "implicit" as const,
    fields: recipesOf(space, roles),
    ...readingRecipe(options, dataset),
    labelRange: [0, 1] as [number, number],
    negatives: negatives && { perEvent: 0, noise: "uniform", itemFields: negatives.itemFields },
    testVectors: testVectors(space, roles),
  };
  const resolved = resolvedOptions(paths, options, { ...pca, dim: model.dim });
  await writeRun(
    options.out,
    options.force,
    {
      tables: { [DEFAULT_TABLE]: pcaTable(space, model) },
      manifest: {
        version,
        command: "train-pca",
        model: PCA_MODELS[pca.matrix],
        options: resolved,
        asked: await askedOf(paths, flags, dataset.inputs),
        seed: pca.seed,
        inputs: dataset.inputs,
        roles,
        split: splitCounts({ parts, by }),
        rows: dataset.numRows,
        metrics,
        timings: clock.laps,
        warnings,
      },
      modelFiles: {
        ...pcaModelFiles(model),
        ...preprocessFile(preprocess),
        ...(negatives && negativeFiles(negatives.source)),
        [HISTORY_FILE]: historyChunks(nextHistory(space, part.dataset)),
      },
      metricsLines: ratios.map((ratio, d) => ({
        component: d + 1,
        singularValue: model.singularValues[d]!,
        explainedVariance: model.explainedVariance[d]!,
        explainedVarianceRatio: ratio,
      })),
    },
    { signal: watch.signal },
  );
  return {
    command: "train-pca",
    version,
    out: options.out,
    seconds: clock.seconds(),
    rows: dataset.numRows,
    trainedRows: parts.train.rows.length,
    options: resolved,
    metrics,
    warnings,
  };
}

/** What was decomposed and how, and what of the user's wishes was not met. */
function tellOf(model: PcaModel, askedDim: number | undefined, pca: PcaOptions, { observe }: Watch): void {
  const { rows, columns, entries } = model.size;
  const n = (x: number) => x.toLocaleString("en");
  const how =
    model.method === "exact"
      ? "exactly, through the Gram matrix of its shorter side"
      : `by block Lanczos iteration, ${model.restarts} restarts, residual ${model.residual.toExponential(1)}`;
  observe({
    stage: "note",
    text: `${n(rows)} x ${n(columns)} with ${n(entries)} entries decomposed ${how}`,
  });
  // a table of numbers has as many as columns, unless asked otherwise
  if (model.dim < (askedDim ?? Math.min(pca.dim, columns))) {
    const text = `the matrix has ${model.dim} components that can be told from rounding: --dim ${pca.dim} is cut to ${model.dim}`;
    observe({ stage: askedDim === undefined ? "note" : "warning", text });
  }
  if (model.residual > pca.tolerance) {
    observe({
      stage: "warning",
      text: `the last components have a residual of ${model.residual.toExponential(1)} and did not reach --tolerance ${pca.tolerance}: those of nearly equal singular values may be turned into one another`,
    });
  }
}

/** Every option as it was used; what the manifest and --json state. */
function resolvedOptions(
  paths: readonly string[],
  options: TrainPcaOptions,
  pca: PcaOptions,
): Record<string, unknown> {
  const { pca: _, out: __, force: ___, reading, unlabelled: ____, infer: _____, ...rest } = options;
  const { threads: ______, ...readingOptions } = reading;
  return { log: paths, ...rest, reading: readingOptions, ...pca };
}
