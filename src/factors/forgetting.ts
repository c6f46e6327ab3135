// Keys leave a factorization machine: what its optimizer keeps of their features becomes zero, as their rows of the table do.

import type { Run } from "../embedding/run-directory.js";
import {
  byFeature,
  forgettingOf,
  type Forgetting,
  type OwnFiles,
} from "../training/capabilities/forgetting/forgetting.js";

/** How keys leave a run of factors. @param more files beside those of every factor model @throws {ArtifactError} damaged */
export async function factorForgetting(
  run: Run,
  { withoutKeys = [], tensors = {} }: OwnFiles = {},
): Promise<Forgetting> {
  return await forgettingOf(run, {
    withoutKeys: ["fm.safetensors", ...withoutKeys],
    tensors: { "optimizer.safetensors": byFeature((name) => name !== "w0"), ...tensors },
  });
}
