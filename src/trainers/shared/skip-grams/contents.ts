// What a run of skip-grams contains, and the memory and disk that it needs.

import type { Dataset } from "../../../dataset/dataset.js";
import type { FeatureSpace } from "../../../dataset/vocabulary/vocabulary.js";
import { HISTORY_FILE, historyChunks } from "../../../table/key-history.js";
import type { ExampleOptions } from "../../../training/shared-options/log.js";
import { featureTable } from "../../../training/examples/feature-table.js";
import type { FitContents } from "../../../training/session/trainer.js";
import { preprocessFile } from "../../../training/capabilities/run-space.js";
import type { SgnsVocabulary } from "./vocabulary.js";
import { eventPreprocessOf } from "../../../training/session/describe-run.js";
import { optimizerFile, type Squares } from "./warm-start.js";
import { tableBytes } from "../../../training/session/needs.js";

/** Vectors of a table, one for each feature of the vocabulary: f32[numFeatures * dim]. */
export interface WrittenRows {
  dim: number;
  vectors: Float32Array;
}

/**
 * Returns the contents of a run.
 *
 * @param dataset dataset on which the vocabulary was fitted
 * @param tables vectors by table name
 * @param squares of each trained pair of tables, if stored
 */
export function contentsOf(
  model: string,
  { space, history, carried }: SgnsVocabulary,
  dataset: Dataset,
  how: ExampleOptions,
  tables: Readonly<Record<string, WrittenRows>>,
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

function tablesOf(space: FeatureSpace, tables: Readonly<Record<string, WrittenRows>>): FitContents["tables"] {
  const named = Object.entries(tables).map(([name, rows]) => [name, featureTable(space, rows)]);
  return Object.fromEntries(named) as FitContents["tables"];
}

/**
 * Returns the number of bytes that a training needs: for two tables in slices of 16 dimensions with AdaGrad's sums,
 * copies of the best epoch, the tables of the run, and two numbers per row for each thread.
 */
export function skipGramBytes(rows: number, dim: number, threads: number): number {
  const slices = Math.ceil(dim / 16);
  return rows * (2 * (64 * slices + 4 * slices) + 4 * 4 * dim + 8 * threads + 40);
}

/** Returns the size in bytes of a run's tables of vectors and contexts. @param keyBytes total size of the keys */
export function skipGramDisk(rows: number, dim: number, keyBytes: number): number {
  return 2 * tableBytes({ features: rows, keyBytes }, dim);
}
