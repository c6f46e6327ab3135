// New users or items of a run of draws: fitted to each draw, whose mean the table is.

import { featureCounts } from "../../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../../embedding/run-directory.js";
import { fmComposer } from "../../../factors/compose.js";
import { foldInEvents } from "../../../factors/fold-in-events.js";
import type { FmRun } from "../../../factors/artifact.js";
import type { FoldingIn } from "../../../training/capabilities/folded-keys.js";
import type { TransformOptions } from "../../../training/options/transform-options.js";
import type { Watch } from "../../../training/session/watch.js";
import { drawsByPlace, fitLabels, type Machines } from "../fold-in-labels.js";
import { rotatedAlike } from "./draws.js";
import { readEnsemble } from "./learn.js";
import { refuseProbit } from "./refuse-probit.js";

/** As foldInEvents. @throws {UsageError} the draws' scores are no log-odds */
export async function foldInDraws(run: Run, options: TransformOptions, watch: Watch): Promise<FoldingIn> {
  return await foldInEvents(run, options, watch, fitLabels(machinesOfDraws), undefined, drawsByPlace);
}

/** The draws, rotated alike. @throws {UsageError} their scores are no log-odds @throws {ArtifactError} damaged */
async function machinesOfDraws(run: Run, { space }: FmRun): Promise<Machines> {
  refuseProbit(run, "--fold-in");
  const { draws, tableScale = 1 } = await readEnsemble(run, space);
  const rotated = rotatedAlike(draws, featureCounts(space));
  return {
    machines: rotated.map((parameters) => ({ parameters, composer: fmComposer(parameters) })),
    tableScale,
  };
}
