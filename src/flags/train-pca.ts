// The flags of train-pca, and what they say.

import { Option, type Command } from "commander";
import { countsEvents, type TrainPcaOptions } from "../trainers/pca/asked.js";
import { UsageError } from "../errors.js";
import {
  hyperparameters,
  matrices,
  normalizations,
  valueKinds,
  type PcaOptions,
} from "../trainers/pca/options.js";
import { addLogOptions, logOf, type LogFlags } from "./log-options.js";
import { addHyperparameters, addRunOutput, badRowsOf, numberOf } from "./options.js";

const switches = ["scale", "whiten", "center", "exact"] as const;

/** As commander gives them. */
export type TrainPcaFlags = LogFlags & { init?: string; positiveFrom?: number } & Partial<PcaOptions> &
  Pick<PcaOptions, "matrix">;

/** Adds the flags. */
export function addTrainPcaFlags(command: Command): Command {
  addLogOptions(command);
  const model = (flags: string, help: string) => new Option(flags, help).helpGroup("Model:");
  command
    .addOption(
      model(
        "--matrix <matrix>",
        "users x items; events x one-hot features; a table of numbers; or items that occur together in sessions",
      )
        .choices(matrices)
        .default("interactions"),
    )
    .addOption(
      model(
        "--positive-from <x>",
        "of a log with labels: the rows whose label is at least x are its events",
      ).argParser(numberOf("--positive-from")),
    )
    .addOption(
      model("--values <kind>", "interactions: what a pair's events become (default: counts)").choices(
        valueKinds,
      ),
    )
    .addOption(
      model(
        "--normalize <how>",
        "interactions: degree divides by the roots of the sums of both sides, and ranks best (default: none)",
      ).choices(normalizations),
    )
    .addOption(model("--scale", "divide columns by their standard deviation"))
    .addOption(model("--center", "take off the mean of each column (default: of --matrix columns)"))
    .addOption(new Option("--no-center").hideHelp())
    .addOption(model("--whiten", "vectors of users, events or rows have variance 1 in every dimension"))
    .addOption(model("--exact", "through the Gram matrix, of a side of at most 1536, in double precision"))
    .addOption(new Option("--init <run>").hideHelp());
  addHyperparameters(command, hyperparameters, (name) =>
    ["seed", "threads"].includes(name) ? "Training:" : "Model:",
  );
  return addRunOutput(command);
}

/**
 * The flags as options of the api.
 *
 * @throws {UsageError} flags that do not go together
 */
export async function trainPcaOf(flags: TrainPcaFlags): Promise<TrainPcaOptions> {
  return { ...optionsOf(flags), ...(await badRowsOf(flags)) };
}

/** @throws {UsageError} a flag that components have no use for */
function optionsOf(flags: TrainPcaFlags): TrainPcaOptions {
  if (flags.init !== undefined) {
    throw new UsageError(
      "--init is not for train-pca: components are decided by the log alone, and an earlier run would change nothing; " +
        "--row-order RUN keeps its rows where they are",
    );
  }
  const { positiveFrom } = flags;
  const unlabelled = countsEvents(flags);
  if (positiveFrom !== undefined && !unlabelled)
    throw new UsageError(
      `--positive-from chooses events to count, and --matrix ${flags.matrix} counts none: leave it out, or choose rows with --where`,
    );
  const { oovDropout, ...log } = logOf(flags, { unlabelled });
  if (oovDropout !== undefined)
    throw new UsageError("--oov-dropout hides keys from epochs, and train-pca has none: leave it out");
  const { matrix, values, normalize } = flags;
  const pca: TrainPcaOptions["pca"] = {
    matrix,
    ...(values && { values }),
    ...(normalize && { normalize }),
  };
  for (const { name } of hyperparameters) if (flags[name] !== undefined) pca[name] = flags[name];
  for (const name of switches) if (flags[name] !== undefined) pca[name] = flags[name];
  return { ...log, ...(positiveFrom !== undefined && { positiveFrom }), pca };
}
