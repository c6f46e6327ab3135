// Contents of the runs of skip-gram trainers: a table of vectors, a table of contexts, the way in which a log is read,
// and the time when each key was last seen.

import type { Dataset } from "../dataset/dataset.js";
import type { FeatureSpace } from "../dataset/vocabulary/vocabulary.js";
import { HISTORY_FILE, historyChunks } from "../embedding/key-history.js";
import type { ExampleOptions } from "../training/options/log.js";
import { featureTable } from "../training/examples/feature-table.js";
import type { FitContents } from "../training/session/trainer.js";
import { preprocessFile } from "../training/capabilities/run-space.js";
import { optimizerFile, type Squares } from "./optimizer-file.js";
import type { SgnsVocabulary } from "./vocabulary.js";
import { eventPreprocessOf } from "../training/session/describe-run.js";

/** Vectors of a table, one for each feature of the vocabulary: f32[numFeatures * dim]. */
export interface TableRows {
  dim: number;
  vectors: Float32Array;
}

/**
 * Returns the contents of a run.
 *
 * @param dataset dataset on which the vocabulary was fitted
 * @param tables vectors by table name
 * @param squares optimizer state of each trained pair of tables, if it is stored
 */
export function contentsOf(
  model: string,
  { space, history, carried }: SgnsVocabulary,
  dataset: Dataset,
  how: ExampleOptions,
  tables: Readonly<Record<string, TableRows>>,
  squares: readonly Squares[] | undefined,
): FitContents {
  return {
    model,
    tables: tablesOf(space, tables),
    files: {
      ...preprocessFile(eventPreprocessOf(space, { dataset, roles: dataset.roles }, how)),
      ...(squares && optimizerFile(squares, space.numFeatures)),
      [HISTORY_FILE]: historyChunks(history),
    },
    ...(carried && { manifest: { init: carried.carried } }),
  };
}

function tablesOf(space: FeatureSpace, tables: Readonly<Record<string, TableRows>>): FitContents["tables"] {
  const named = Object.entries(tables).map(([name, rows]) => [name, featureTable(space, rows)]);
  return Object.fromEntries(named) as FitContents["tables"];
}
