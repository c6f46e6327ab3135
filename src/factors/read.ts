// What commands read of a run of factors beside its table.

import type { Run } from "../embedding/run-directory.js";
import type { OutOfVocabulary } from "../export/reserve.js";
import type { ModelFacts } from "../export/selection.js";
import type { KeyVectors } from "../training/capabilities/key-vectors.js";
import type { Composition } from "../training/capabilities/row-composer.js";
import { unknownKeysOf } from "../training/examples/unknown-keys.js";
import { fmComposer } from "./compose.js";
import { readFmModel } from "./artifact.js";

/** One vector a feature, added up. @throws {ArtifactError} damaged */
export async function factorComposition(run: Run): Promise<Composition> {
  const { space, parameters } = await readFmModel(run);
  return { space, composer: fmComposer(parameters) };
}

/** What training made of keys without a row. @throws {ArtifactError} damaged */
export async function factorUnknownKeys(run: Run): Promise<OutOfVocabulary> {
  const { space, parameters } = await readFmModel(run);
  return unknownKeysOf(space, parameters);
}

/** What completes the table to the score of second order. @throws {ArtifactError} damaged */
export async function secondOrderFacts(run: Run): Promise<ModelFacts> {
  const { parameters } = await readFmModel(run);
  return { w0: parameters.w0, dim: parameters.dim };
}

/** Vectors with weights and w0 of the run's task. @throws {ArtifactError} damaged */
export async function factorVectors(run: Run): Promise<KeyVectors> {
  const { space, preprocess, parameters } = await readFmModel(run);
  const { dim, vectors, w, w0 } = parameters;
  return { dim, space, vectors, hasUnknown: true, weights: { w, w0, task: preprocess.task } };
}
