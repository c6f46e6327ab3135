// What commands read of a network's embedding layer beside its table.

import type { Run } from "../../embedding/run-directory.js";
import type { OutOfVocabulary } from "../../export/reserve.js";
import type { KeyVectors } from "../../training/capabilities/key-vectors.js";
import { readSpace } from "../../training/capabilities/run-space.js";
import { unknownKeysOf } from "../../training/examples/feature-table.js";
import { embeddingsOf, readNetParameters } from "./model.js";

/** Vectors, with weights where the network has them. @throws {ArtifactError} damaged */
export async function networkVectors(run: Run): Promise<KeyVectors> {
  const { space, preprocess, table } = await readSpace(run);
  const network = await readNetParameters(run, space, table);
  const { dim, vectors, w } = embeddingsOf(network, space.numFeatures);
  return { dim, space, vectors, hasUnknown: true, ...(w && { weights: { w, task: preprocess.task } }) };
}

/** What training made of keys without a row. @throws {ArtifactError} damaged */
export async function networkUnknownKeys(run: Run): Promise<OutOfVocabulary> {
  const { dim, space, vectors, weights } = await networkVectors(run);
  return unknownKeysOf(space, { dim, vectors, w: weights?.w ?? new Float32Array(space.numFeatures) });
}
