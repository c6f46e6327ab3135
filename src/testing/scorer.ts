// Loads a run's model and scores rows of features with it.

import type { Run } from "../table/run-directory.js";
import { capable } from "../trainers/index.js";
import type { ScoringModel } from "../training/capabilities/run-space.js";

export async function scorerOf(run: Run): Promise<ScoringModel> {
  return await (
    await capable(run, "scorer", "cannot score rows")
  )(run);
}
