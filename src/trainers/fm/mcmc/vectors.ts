// Vectors of posterior draws: those of their mean. Its weights are of a probit score where the draws are, which is no log-odds.

import type { Run } from "../../../embedding/run-directory.js";
import { factorVectors } from "../../../factors/read.js";
import type { KeyVectors } from "../../../training/capabilities/key-vectors.js";

/** @throws {ArtifactError} damaged */
export async function drawsVectors(run: Run): Promise<KeyVectors> {
  const { weights, ...vectors } = await factorVectors(run);
  const isProbit = run.manifest.options["link"] === "probit";
  return { ...vectors, ...(weights && !isProbit && { weights }) };
}
