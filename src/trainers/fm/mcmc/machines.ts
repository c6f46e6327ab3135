// The draws of a run as machines that new keys are fitted to, one after another.

import { featureCounts } from "../../../dataset/vocabulary.js";
import type { Run } from "../../../embedding/run-directory.js";
import { fmComposer } from "../../../factors/compose.js";
import type { FmRun } from "../../../factors/run.js";
import type { Machines } from "../fold-in-labels.js";
import { turnedAlike } from "./draws.js";
import { readEnsemble } from "./learn.js";
import { refuseProbit } from "./refuse-probit.js";

/** The draws, rotated alike. @throws {UsageError} their scores are no log-odds @throws {ArtifactError} damaged */
export async function machinesOfDraws(run: Run, { space }: FmRun): Promise<Machines> {
  refuseProbit(run, "--fold-in");
  const { draws, tableScale = 1 } = await readEnsemble(run, space);
  const rotated = turnedAlike(draws, featureCounts(space));
  return {
    machines: rotated.map((parameters) => ({ parameters, composer: fmComposer(parameters) })),
    tableScale,
  };
}
