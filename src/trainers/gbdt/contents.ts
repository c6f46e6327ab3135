// What the run directory of a training of trees holds.

import type { Dataset } from "../../dataset/dataset.js";
import type { Manifest, Metrics } from "../../embedding/manifest.js";
import { DEFAULT_TABLE, type RunContents } from "../../embedding/run-directory.js";
import type { EmbeddingTable } from "../../embedding/table.js";
import { version } from "../../io/package-version.js";
import { GBDT_MODEL, gbdtModelFiles, leavesTable, LEAVES_TABLE, statisticsFiles } from "./artifact.js";
import { leafVectorFiles, type LeafFit, type LeafVectors } from "./leaf-svd.js";
import type { GbdtOptions } from "./options.js";
import { readingRecipe } from "../../training/describe-run.js";
import { comparisons } from "./head-of-leaves.js";
import type { ModelJob, FittedModel } from "./fit.js";
import type { Refitted } from "./refit-on-all.js";
import { splitCounts, type SplitParts } from "../../training/parts.js";
import type { TrainGbdtOptions } from "./asked.js";

/** What a training came to. */
export interface GbdtOutcome extends Refitted {
  dataset: Dataset;
  split: SplitParts;
  options: TrainGbdtOptions;
  gbdt: GbdtOptions;
  job: ModelJob;
  /** the model that the held-out parts judge */
  first: FittedModel;
  metrics: Record<string, Metrics>;
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
  const { dataset, options, gbdt, job, first, model, metrics, refit, interrupted, told } = outcome;
  const { forest, features, columns, events } = model.grown;
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
    metricsLines: [
      ...first.grown.events,
      ...(refit ? events.map((event) => ({ ...event, refit: true })) : []),
    ],
  };
}
