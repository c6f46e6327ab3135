// What other commands read of a factor model's run, and removing keys from it.

import type { Run } from "../../../table/run-directory.js";
import type { OutOfVocabulary } from "../../../export/reserve.js";
import type { ModelFacts } from "../../../export/selection.js";
import type { KeyVectors } from "../../../training/capabilities/key-vectors.js";
import type { Composition } from "../../../training/capabilities/run-space.js";
import {
  byFeature,
  forgettingOf,
  type Forgetting,
  type OwnFiles,
} from "../../../training/capabilities/forgetting/forgetting.js";
import { unknownKeysOf } from "../../../training/examples/feature-table.js";
import { fmComposer } from "./compose.js";
import { readFmModel } from "./artifact.js";

/** Returns the composer that adds up one vector per feature of a row. @throws {ArtifactError} damaged */
export async function factorComposition(run: Run): Promise<Composition> {
  const { space, parameters } = await readFmModel(run);
  return { space, composer: fmComposer(parameters) };
}

/** @throws {ArtifactError} damaged */
export async function factorUnknownKeys(run: Run): Promise<OutOfVocabulary> {
  const { space, parameters } = await readFmModel(run);
  return unknownKeysOf(space, parameters);
}

/** Reads w0 and the dimension of a model with vectors (of second order). @throws {ArtifactError} damaged */
export async function secondOrderFacts(run: Run): Promise<ModelFacts> {
  const { parameters } = await readFmModel(run);
  return { w0: parameters.w0, dim: parameters.dim };
}

/** Returns the vectors together with weights and w0. @throws {ArtifactError} damaged */
export async function factorVectors(run: Run): Promise<KeyVectors> {
  const { space, preprocess, parameters } = await readFmModel(run);
  const { dim, vectors, w, w0 } = parameters;
  return { dim, space, vectors, hasUnknown: true, weights: { w, w0, task: preprocess.task } };
}

/**
 * Removes keys from a run: their features' optimizer state becomes zero, like their rows of the table.
 *
 * @param more files of model/ in addition to those of every factor model
 * @throws {ArtifactError} damaged
 */
export async function factorForgetting(
  run: Run,
  { withoutKeys = [], tensors = {} }: OwnFiles = {},
): Promise<Forgetting> {
  return await forgettingOf(run, {
    withoutKeys: ["fm.safetensors", ...withoutKeys],
    tensors: { "optimizer.safetensors": byFeature((name) => name !== "w0"), ...tensors },
  });
}
