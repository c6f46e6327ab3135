// The features of a run, and how rows become them: what every model over a feature space is read with.

import { type Preprocess, parsePreprocess } from "../../dataset/vocabulary/preprocess.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../embedding/run-directory.js";
import type { EmbeddingTable } from "../../embedding/table.js";
import type { Scorer } from "../session/feature-training.js";
import type { FeatureRows } from "../../dataset/rows.js";

/** How rows are prepared for a run's model, in model/. */
export const PREPROCESS_FILE = "preprocess.json";

/** How rows are prepared for a run's model, as a file of model/. */
export function preprocessFile(preprocess: Preprocess): Record<string, string> {
  return { [PREPROCESS_FILE]: `${JSON.stringify(preprocess, undefined, 2)}\n` };
}

/** How rows were prepared for a run's model. @throws {ArtifactError} damaged */
export async function readPreprocess(run: Run): Promise<Preprocess> {
  return parsePreprocess(await run.readModelFile(PREPROCESS_FILE), `${run.path}/model/${PREPROCESS_FILE}`);
}

/** A run's features, and how rows become them. */
export interface RunSpace {
  preprocess: Preprocess;
  table: EmbeddingTable;
  space: FeatureSpace;
}

/** Reads a run's features. @throws {ArtifactError} damaged */
export async function readSpace(run: Run): Promise<RunSpace> {
  const preprocess = await readPreprocess(run);
  const table = await run.readTable();
  const { spaceOf } = await import("../examples/feature-table.js");
  return { preprocess, table, space: spaceOf(preprocess, table) };
}

/** A run's model, ready to score rows of its features. */
export type ScoringModel<S extends Scorer = Scorer> = S & Pick<RunSpace, "space" | "preprocess">;

export interface RowComposer {
  /** numbers of a vector */
  dim: number;
  /** f32[numRows * dim]: the vector of each row's features */
  vectors(rows: FeatureRows): Float32Array;
  /** f32[numRows]: the bias of each row's features, with what they add among themselves */
  weights(rows: FeatureRows): Float32Array;
  /** vectors side by side in a row of the table, each with a penalty of its own when it is folded in */
  numBlocks: number;
}

/** A run's features and what adds them up. */
export interface Composition {
  space: FeatureSpace;
  composer: RowComposer;
}
