// How the features of a field-aware run are composed.

import type { Run } from "../../../embedding/run-directory.js";
import { UsageError } from "../../../errors.js";
import type { Composer } from "../../../factors/compose.js";
import { readFmModel, type FmRun } from "../../../factors/artifact.js";
import type { Composition } from "../../../training/capabilities/run-space.js";
import { crossComposer } from "./compose.js";
import { readLayout } from "./layout.js";

/** Why the run's features cannot be added up; undefined where they can. */
export async function whyNotCrossed(run: Run, { table, preprocess }: FmRun): Promise<string | undefined> {
  if ((await readLayout(run, table)).normalizeRows)
    return "was trained with --normalize-rows, so each term of a score depends on the whole row";
  return preprocess.itemFields ? undefined : "has no item field: train it with --item";
}

/** @throws {UsageError} the run's features cannot be added up */
export async function crossComposerOf(run: Run, model: FmRun): Promise<Composer> {
  const why = await whyNotCrossed(run, model);
  if (why !== undefined) throw new UsageError(`run '${run.path}' ${why}`);
  return crossComposer(model.space, model.parameters, model.preprocess.itemFields!);
}

/** The same, or why they cannot be added up. @throws {ArtifactError} damaged */
export async function crossComposition(run: Run): Promise<Composition | { whyNot: string }> {
  const model = await readFmModel(run);
  const whyNot = await whyNotCrossed(run, model);
  return whyNot === undefined
    ? { space: model.space, composer: await crossComposerOf(run, model) }
    : { whyNot };
}
