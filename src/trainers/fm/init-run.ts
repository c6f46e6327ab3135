// --init of train-fm: a run of the same model, and of draws their table.

import type { Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import type { FmParameters } from "../../factors/model.js";
import {
  checkState,
  earlierRun,
  readEarlier,
  type EarlierModel,
  type EarlierRun,
} from "../../factors/warm-start.js";
import { openOwnRun } from "../../training/warm-start/own-runs.js";
import { checkDim } from "../../training/warm-start/warm-start.js";
import { readLayout } from "./ffm/layout.js";
import { refuseProbit } from "./mcmc/link.js";
import type { FmOptions, GivenFm } from "./options.js";

/** The manifest's name of draws that predict together. */
const DRAWS = "fm-draws";

/** An earlier run with the options that a training shares with it. */
interface EarlierFm extends EarlierRun {
  shared: Partial<Pick<FmOptions, "dim" | "normalizeRows">>;
}

/**
 * Opens the run of --init, if there is one.
 *
 * @throws {UsageError} it holds another model, or vectors of another length @throws {ArtifactError} damaged
 */
export async function openEarlier(given: GivenFm, command: string): Promise<EarlierFm | undefined> {
  const { init, model: wanted = "fm", method = "adagrad", dim, normalizeRows } = given;
  if (init === undefined) return undefined;
  const run = await openOwnRun(init, command);
  const { model: held } = run.manifest;
  // of draws their table is taken
  if (held === DRAWS && wanted === "fm") refuseProbit(run, "--init");
  else if (held !== wanted)
    throw new UsageError(
      `--init '${init}' holds a '${held}' model, but a '${wanted}' model is needed: use a run that holds ` +
        "one, or train without --init",
    );
  const model = await readEarlier(run);
  const layout = held === "ffm" ? await readLayout(run, model.table) : undefined;
  const earlier = await earlierRun(run, {
    ...model,
    ...(held === DRAWS && { parameters: await unscaled(run, model) }),
    ...(layout && { blocks: layout.fields }),
  });
  checkState(earlier, "method", method);
  const shared = layout
    ? { dim: layout.dim, normalizeRows: layout.normalizeRows }
    : held === "lr"
      ? {}
      : { dim: model.parameters.dim };
  if (shared.dim !== undefined) checkDim(run, shared.dim, dim);
  if (normalizeRows && !layout?.normalizeRows)
    throw new UsageError(
      `--init '${init}' was trained without --normalize-rows: omit it here too, or train without --init`,
    );
  return { ...earlier, shared };
}

/** The mean of a run's draws, whose scores the table has moderated. */
async function unscaled(run: Run, { parameters, space }: EarlierModel): Promise<FmParameters> {
  const { readEnsemble } = await import("./mcmc/learn.js");
  const { scaledBy } = await import("./mcmc/table-scale.js");
  const { tableScale = 1 } = await readEnsemble(run, space);
  return tableScale === 1 ? parameters : scaledBy(1 / tableScale, parameters);
}
