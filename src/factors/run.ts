// The factor model of a run: its features and their parameters.

import type { Run } from "../embedding/run-directory.js";
import { readSpace, type RunSpace } from "../training/capabilities/run-space.js";
import { readFmParameters } from "./artifact.js";
import type { FmParameters } from "./model.js";

/** A factorization machine's parameters over its features; a linear model is one without dimensions. */
export interface FmRun extends RunSpace {
  parameters: FmParameters;
}

/** Reads a run's features and parameters; of draws those of their table. @throws {ArtifactError} damaged */
export async function readFmModel(run: Run): Promise<FmRun> {
  const found = await readSpace(run);
  return { ...found, parameters: await readFmParameters(run, found.space, found.table) };
}
