// What the run directory of a training of trees holds.

import type { Dataset } from "../../dataset/dataset.js";
import type { Manifest } from "../../embedding/manifest.js";
import { DEFAULT_TABLE, type RunContents } from "../../embedding/run-directory.js";
import type { EmbeddingTable } from "../../embedding/table.js";
import { version } from "../../io/package-version.js";
import { GBDT_MODEL, gbdtModelFiles, leavesTable, LEAVES_TABLE, statisticsFiles } from "./artifact.js";
import { leafVectorFiles, type LeafFit, type LeafVectors } from "./leaf-svd.js";
import type { GbdtOptions } from "./options.js";
import { readingRecipe } from "../../training/describe-run.js";
import { comparisons } from "./head-of-leaves.js";
import type { ModelJob } from "./fit.js";
import type { FittedTwice } from "./refit-on-all.js";
import { splitCounts, type SplitParts } from "../../training/parts.js";
import type { TrainGbdtOptions } from "./asked.js";

/** What a training came to. */
export interface GbdtOutcome extends FittedTwice {
  dataset: Dataset;
  split: SplitParts;
  options: TrainGbdtOptions;
  gbdt: GbdtOptions;
  job: ModelJob;
  /** what derived columns are computed from for new rows */
  statistics: Parameters<typeof statisticsFiles>[0];
  /** the table of a column's keys */
  entities: EmbeddingTable | undefined;
  /** singular vectors of the leaves */
  dense: (LeafVectors & { fit: LeafFit }) | undefined;
  /** for the manifest */
  told: Pick<Manifest, "options" | "asked" | "timings" | "warnings">;
}

/** Its tables, files and manifest. */
export function gbdtContents(outcome: GbdtOutcome): RunContents {
  const { dataset, options, gbdt, job, first, model, refit, interrupted, told } = outcome;
  const { metrics } = first;
  const { forest, features, columns, epochs } = model.grown;
  const { prediction, earlier, decay } = job;
  const head = model.fitted?.head;
  const preprocess = {
    roles: dataset.roles,
    task: prediction.task,
    ...readingRecipe(options, dataset),
    ...(prediction.classes && { classes: prediction.classes }),
    labelRange: prediction.labelRange,
    columns,
  };
  const init = earlier && {
    run: earlier.run,
    trees: earlier.forest.trees.length,
    ...(decay !== undefined && { refitDecay: decay }),
  };
  return {
    tables: {
      ...(outcome.entities && { [DEFAULT_TABLE]: outcome.entities }),
      [LEAVES_TABLE]: leavesTable(forest, head),
    },
    manifest: {
      version,
      command: "train-gbdt",
      model: GBDT_MODEL,
      options: told.options,
      ...(told.asked && { asked: told.asked }),
      seed: gbdt.seed,
      inputs: dataset.inputs,
      roles: dataset.roles,
      split: splitCounts(outcome.split),
      rows: dataset.numRows,
      ...(init && { init }),
      ...(interrupted && { interrupted: true }),
      metrics,
      ...(head && {
        normalizedEntropy: comparisons(metrics, prediction.labelled(outcome.split.parts.train).labels),
      }),
      ...(refit && { refit }),
      ...(outcome.dense && { dense: outcome.dense.fit }),
      timings: told.timings,
      warnings: told.warnings,
    },
    modelFiles: {
      ...gbdtModelFiles(forest, features, gbdt, preprocess, head),
      ...statisticsFiles(outcome.statistics),
      ...(outcome.dense && leafVectorFiles(outcome.dense)),
    },
    metricsLines: [...first.epochs, ...(refit ? epochs.map((event) => ({ ...event, refit: true })) : [])],
  };
}
