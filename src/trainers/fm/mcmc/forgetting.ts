// Keys leave posterior draws: the rows of their features become zero in each.

import type { Run } from "../../../embedding/run-directory.js";
import { factorForgetting } from "../../../factors/forgetting.js";
import { byFeature, type Forgetting } from "../../../training/capabilities/forgetting/forgetting.js";

/** How keys leave a run of draws. @throws {ArtifactError} damaged */
export async function drawsForgetting(run: Run): Promise<Forgetting> {
  const draws = byFeature((name) => /\.(w|vectors)$/.test(name));
  return await factorForgetting(run, { tensors: { "draws.safetensors": draws } });
}
