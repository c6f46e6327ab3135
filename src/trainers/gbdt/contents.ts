// Assembles the content of the run directory of boosted trees.

import type { Dataset } from "../../dataset/dataset.js";
import type { Metrics, PartMetrics } from "../../embedding/manifest.js";
import { DEFAULT_TABLE } from "../../embedding/run-directory.js";
import type { EmbeddingTable } from "../../embedding/table.js";
import { readingRecipe } from "../../training/session/describe-run.js";
import type { ExampleOptions } from "../../training/options/log.js";
import type { FitContents } from "../../training/session/trainer.js";
import { GBDT_MODEL, gbdtModelFiles, leavesTable, LEAVES_TABLE, statisticsFiles } from "./forest/artifact.js";
import type { FittedModel, ModelJob } from "./fit.js";
import type { ChosenPair } from "./target-statistics/ctr-pairs.js";
import { comparisons } from "./leaf-heads/head.js";
import { byGain, importancesOf } from "./forest/in-words.js";
import { leafVectorFiles, type LeafFit, type LeafVectors } from "./leaf-heads/leaf-vectors.js";
import type { GbdtOptions } from "./options.js";

/** Results of a training that a run directory stores. */
export interface GbdtOutcome {
  dataset: Dataset;
  options: ExampleOptions;
  gbdt: GbdtOptions;
  job: ModelJob;
  model: FittedModel;
  /** target statistics, from which the added columns are computed for new rows */
  statistics: Parameters<typeof statisticsFiles>[0];
  /** pairs of columns that --ctr-pairs chose */
  pairs: ChosenPair[] | undefined;
  /** table with a vector for each key of a column; undefined without --entity */
  entities: EmbeddingTable | undefined;
  /** singular vectors of the leaves, by which rows become dense vectors; undefined without --dense */
  dense: (LeafVectors & { fit: LeafFit }) | undefined;
  /** metrics of the training that was evaluated, before a refit; and the labels of its training split */
  metrics: Record<string, PartMetrics>;
  labels: Float32Array;
}

/** Returns the tables and files of the run, and the entries of its manifest and summary. */
export function gbdtContents(outcome: GbdtOutcome): FitContents {
  const { dataset, options, gbdt, job, model, pairs, entities, dense } = outcome;
  const { forest, features, columns } = model.grown;
  const { prediction, init, decay } = job;
  const head = model.fitted?.head;
  const preprocess = {
    roles: dataset.roles,
    task: prediction.task,
    ...readingRecipe(options, dataset),
    classes: prediction.classes,
    labelRange: prediction.labelRange,
    columns,
  };
  const carried = init && {
    run: init.run.path,
    trees: init.forest.trees.length,
    refitDecay: decay,
  };
  const metrics = outcome.metrics as Record<string, Metrics>;
  return {
    model: GBDT_MODEL,
    tables: {
      ...(entities && { [DEFAULT_TABLE]: entities }),
      [LEAVES_TABLE]: leavesTable(forest, head),
    },
    files: {
      ...gbdtModelFiles(forest, features, gbdt, preprocess, head),
      ...statisticsFiles(outcome.statistics),
      ...(dense && leafVectorFiles(dense)),
    },
    manifest: {
      init: carried,
      normalizedEntropy: head && comparisons(metrics, outcome.labels),
      dense: dense?.fit,
    },
    summary: {
      ctrPairs: pairs,
      dense: dense?.fit,
      importances: byGain(importancesOf(forest)),
    },
  };
}
