// --init of train-fm: a run of the same model; for a run of posterior draws, its table.

import { UsageError } from "../../errors.js";
import type { FmParameters } from "../../factors/model.js";
import { readLayout } from "./ffm/layout.js";
import { refuseProbit } from "./mcmc/link.js";
import type { FmOptions, GivenFm } from "./options.js";
import { checkState, readFactorInit, type FactorInit } from "../../factors/warm-start.js";
import { checkDim, openInitRun } from "../../training/warm-start/init-run.js";

/** Name in the manifest of a model of posterior draws. */
const DRAWS = "fm-draws";

/** The run of --init, with the options that it determines. */
interface FmInit extends FactorInit {
  shared: Partial<Pick<FmOptions, "dim" | "normalizeRows">>;
}

/**
 * Opens the run of --init, if there is one.
 *
 * @throws {UsageError} it holds another model, or vectors of another length
 * @throws {ArtifactError} damaged
 */
export async function openFmInit(given: GivenFm, command: string): Promise<FmInit | undefined> {
  const { init, model: wanted = "fm", method = "adagrad", dim, normalizeRows } = given;
  const run = await openInitRun(given, command);
  if (!run) return undefined;
  const { model: held } = run.manifest;
  // a run of posterior draws is represented by its table
  if (held === DRAWS && wanted === "fm") refuseProbit(run, "--init");
  else if (held !== wanted)
    throw new UsageError(
      `--init '${init}' holds a '${held}' model, but a '${wanted}' model is needed: use a run that holds ` +
        "one, or train without --init",
    );
  const found = await readFactorInit(run);
  const layout = held === "ffm" ? await readLayout(run, found.table) : undefined;
  checkState(found, "method", method);
  const shared = layout
    ? { dim: layout.dim, normalizeRows: layout.normalizeRows }
    : held === "lr"
      ? {}
      : { dim: found.parameters.dim };
  if (shared.dim !== undefined) checkDim(run, shared.dim, dim);
  if (normalizeRows && !layout?.normalizeRows)
    throw new UsageError(
      `--init '${init}' was trained without --normalize-rows: omit it here too, or train without --init`,
    );
  const parameters = held === DRAWS ? await unscaled(found) : found.parameters;
  return { ...found, parameters, blocks: layout?.fields, shared };
}

/** Returns the mean of a run's draws: the table's parameters without the factor of its scores (table-scale.ts). */
async function unscaled({ run, parameters, space }: FactorInit): Promise<FmParameters> {
  const { readEnsemble } = await import("./mcmc/learn.js");
  const { scaledBy } = await import("./mcmc/table-scale.js");
  const { tableScale = 1 } = await readEnsemble(run, space);
  return tableScale === 1 ? parameters : scaledBy(1 / tableScale, parameters);
}
