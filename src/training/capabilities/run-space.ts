import { keyInCase } from "../../log/keys.js";
import type { CellReading } from "../../log/log.js";
import { type Preprocess, parsePreprocess } from "../../dataset/vocabulary/preprocess.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../table/run-directory.js";
import type { EmbeddingTable } from "../../table/table.js";
import type { Scorer } from "../session/feature-training.js";
import type { FeatureRows } from "../../dataset/rows.js";

/** Name of the file in model/ that describes how rows are encoded. */
export const PREPROCESS_FILE = "preprocess.json";

/** Returns the preprocessing as a file of model/. */
export function preprocessFile(preprocess: Preprocess): Record<string, string> {
  return { [PREPROCESS_FILE]: `${JSON.stringify(preprocess, undefined, 2)}\n` };
}

export async function readPreprocess(run: Run): Promise<Preprocess> {
  return parsePreprocess(await run.readModelFile(PREPROCESS_FILE), `${run.path}/model/${PREPROCESS_FILE}`);
}

/** Feature space of a run, with its table and the recipe that encodes rows. */
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

export type ScoringModel<S extends Scorer = Scorer> = S & Pick<RunSpace, "space" | "preprocess">;

export interface RowComposer {
  dim: number;
  /** f32[numRows * dim]: vector of each row, which is the sum or another composition of its features' vectors */
  vectors(rows: FeatureRows): Float32Array;
  /** f32[numRows]: bias of each row, which includes the interactions among its own features */
  weights(rows: FeatureRows): Float32Array;
  /** number of vectors that are concatenated in a table row; folding in applies a separate penalty to each */
  numBlocks: number;
}

/** A run's feature space with the function that composes rows. */
export interface Composition {
  space: FeatureSpace;
  composer: RowComposer;
}

/** Returns a function that gives a key the case of the run's keys (--key-case). */
export function keyCaseOf({ manifest }: Pick<Run, "manifest">): (key: string) => string {
  const log = manifest.options["reading"] as CellReading | undefined;
  return (key) => keyInCase(key, log?.keyCase);
}
