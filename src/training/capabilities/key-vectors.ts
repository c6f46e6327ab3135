// A vector a key, by feature of a space: what the embeddings of another model can start from.

import { featureSpace, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../embedding/run-directory.js";
import { keysOfRows, rowsOf, type EmbeddingTable } from "../../embedding/table.js";
import { rowsByFeature } from "../examples/feature-table.js";
import { readSpace } from "./run-space.js";

export interface KeyVectors {
  dim: number;
  space: FeatureSpace;
  /** f32[numFeatures * dim] */
  vectors: Float32Array;
  /** of a model whose scores they are: log-odds or predictions of its task */
  weights?: { w?: Float32Array; w0?: number; task: string };
  /** whether out-of-vocabulary features have vectors */
  hasUnknown: boolean;
}

/** Of a model over features whose weights are no scores. @throws {ArtifactError} damaged */
export async function vectorsOfFeatures(run: Run): Promise<KeyVectors> {
  const { space, table } = await readSpace(run);
  return byFeature(space, table);
}

/** Of a table alone, whose fields may be called by their role. @throws {ArtifactError} damaged */
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
