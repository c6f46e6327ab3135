// Reads a run's feature space and how rows are encoded in it, for every model over features.

import { type Preprocess, parsePreprocess } from "../../dataset/vocabulary/preprocess.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../embedding/run-directory.js";
import type { EmbeddingTable } from "../../embedding/table.js";
import type { Scorer } from "../session/feature-training.js";
import type { FeatureRows } from "../../dataset/rows.js";

/** The file of model/ that describes how rows are encoded. */
export const PREPROCESS_FILE = "preprocess.json";

/** Returns the preprocessing as a file of model/. */
export function preprocessFile(preprocess: Preprocess): Record<string, string> {
  return { [PREPROCESS_FILE]: `${JSON.stringify(preprocess, undefined, 2)}\n` };
}

/** Reads a run's preprocessing. @throws {ArtifactError} damaged */
export async function readPreprocess(run: Run): Promise<Preprocess> {
  return parsePreprocess(await run.readModelFile(PREPROCESS_FILE), `${run.path}/model/${PREPROCESS_FILE}`);
}

/** A run's feature space, with its table and how rows are encoded. */
export interface RunSpace {
  preprocess: Preprocess;
  table: EmbeddingTable;
  space: FeatureSpace;
}

/** Reads a run's feature space. @throws {ArtifactError} damaged */
export async function readSpace(run: Run): Promise<RunSpace> {
  const preprocess = await readPreprocess(run);
  const table = await run.readTable();
  const { spaceOf } = await import("../examples/feature-table.js");
  return { preprocess, table, space: spaceOf(preprocess, table) };
}

/** A run's model, ready to score rows that are encoded in its feature space. */
export type ScoringModel<S extends Scorer = Scorer> = S & Pick<RunSpace, "space" | "preprocess">;

export interface RowComposer {
  /** length of a vector */
  dim: number;
  /** f32[numRows * dim]: the sum of each row's feature vectors, or another composition of them */
  vectors(rows: FeatureRows): Float32Array;
  /** f32[numRows]: the bias of each row, with the interactions among its own features */
  weights(rows: FeatureRows): Float32Array;
  /** number of vectors that stand side by side in a table row; folding in penalizes each of them separately */
  numBlocks: number;
}

/** A run's feature space with the function that composes rows. */
export interface Composition {
  space: FeatureSpace;
  composer: RowComposer;
}
