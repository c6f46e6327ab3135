// The flags of train-pca, and what they say.

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import type { TrainPcaOptions } from "../api/train-pca-options.js";
import { UsageError } from "../errors.js";
import {
  hyperparameters,
  matrices,
  normalizations,
  valueKinds,
  type PcaOptions,
} from "../trainers/pca/options.js";
import { addColumnOptions, columnsOf, type ColumnFlags } from "./column-options.js";
import { addEventOptions, eventsOf, type EventFlags } from "./event-options.js";
import { addHashKeysOptions, hashKeysOf, type HashKeysFlags } from "./hash-keys-options.js";
import {
  addBadRowOptions,
  addHyperparameters,
  addLogArgument,
  addReadingOptions,
  addRunOutput,
  badRowsOf,
  readingOf,
  type BadRowFlags,
  type ReadingFlags,
} from "./options.js";
import { addSplitOptions, splitOf, type SplitFlags } from "./split-options.js";
import { addVocabularyOptions, vocabularyOf, type VocabularyFlags } from "./vocabulary-options.js";

const switches = ["scale", "whiten", "center", "exact"] as const;

/** As commander gives them. */
export type TrainPcaFlags = ReadingFlags &
  Omit<BadRowFlags, "force"> &
  VocabularyFlags &
  EventFlags &
  HashKeysFlags &
  SplitFlags &
  ColumnFlags &
  Pick<TrainPcaOptions, "out"> & { force?: boolean; init?: string } & Partial<PcaOptions> &
  Pick<PcaOptions, "matrix">;

/** Adds the flags. */
export function addTrainPcaFlags(command: Command): Command {
  addBadRowOptions(addReadingOptions(addColumnOptions(addLogArgument(command))));
  addVocabularyOptions(addEventOptions(addHashKeysOptions(addSplitOptions(command))));
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
  const { oovDropout, ...vocabulary } = vocabularyOf(flags);
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
  return {
    ...columnsOf(flags),
    onBadRow: flags.onBadRow,
    infer: true,
    unlabelled: matrix === "interactions" || matrix === "cooccurrence",
    reading: readingOf(flags, flags.threads ?? availableParallelism()),
    out: flags.out,
    force: flags.force ?? false,
    ...vocabulary,
    ...eventsOf(flags),
    ...hashKeysOf(flags),
    ...splitOf(flags),
    pca,
  };
}
