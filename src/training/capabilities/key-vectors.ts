// Reads a run's vectors by feature, with which another model can be initialized.

import { featureSpace, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../table/run-directory.js";
import { keysOfRows, rowsOf, type EmbeddingTable } from "../../table/table.js";
import { rowsByFeature } from "../examples/feature-table.js";
import { readSpace } from "./run-space.js";

export interface KeyVectors {
  dim: number;
  space: FeatureSpace;
  /** vector of each feature, f32[numFeatures * dim] */
  vectors: Float32Array;
  /** weights of the features and the bias; only if the model's scores are log-odds or predictions of the task */
  weights?: { w?: Float32Array; w0?: number; task: string };
  hasUnknown: boolean;
}

/** Reads a model's vectors without its weights, which are neither log-odds nor predictions. @throws {ArtifactError} damaged */
export async function vectorsOfFeatures(run: Run): Promise<KeyVectors> {
  const { space, table } = await readSpace(run);
  return byFeature(space, table);
}

/**
 * Reads the vectors of a run that contains only a table. Such a table may name its fields `user` and `item`, by their
 * roles, and not by columns of a log.
 *
 * @throws {ArtifactError} damaged
 */
export async function vectorsOfTable(run: Run): Promise<KeyVectors> {
  const table = await run.readTable();
  const fields = table.fields.map((name) => {
    const keys = keysOfRows(table, rowsOf(table, name));
    return { kind: "key" as const, name, keys, counts: new Uint32Array(keys.size + 1) };
  });
  return byFeature(featureSpace(fields), table);
}

function byFeature(space: FeatureSpace, { dim, vectors }: EmbeddingTable): KeyVectors {
  return { dim, space, vectors: rowsByFeature(space, vectors, dim), hasUnknown: false };
}
