// Removes keys from a factorization machine: sets the optimizer state of their features to zero, like their rows of the
// table.

import type { Run } from "../embedding/run-directory.js";
import {
  byFeature,
  forgettingOf,
  type Forgetting,
  type OwnFiles,
} from "../training/capabilities/forgetting/forgetting.js";

/**
 * Returns the capability of removing keys from a run of a factor model.
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
