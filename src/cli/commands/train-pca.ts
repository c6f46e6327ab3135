// embed train-pca

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import type { TrainPcaOptions } from "../../api/train-pca-options.js";
import { UsageError } from "../../errors.js";
import {
  hyperparameters,
  matrices,
  normalizations,
  valueKinds,
  type PcaOptions,
} from "../../trainers/pca/options.js";
import { addColumnOptions, columnsOf, type ColumnFlags } from "../column-options.js";
import { addEventOptions, eventsOf, type EventFlags } from "../event-options.js";
import { addHashKeysOptions, hashKeysOf, type HashKeysFlags } from "../hash-keys-options.js";
import { trainedText } from "../metrics.js";
import {
  addBadRowOptions,
  addHyperparameters,
  addLogArgument,
  addOutputOptions,
  addReadingOptions,
  addRunOutput,
  badRowsOf,
  readingOf,
  type BadRowFlags,
  type ReadingFlags,
} from "../options.js";
import { watched, type OutputOptions } from "../progress.js";
import { screeTable } from "../scree.js";
import { addSplitOptions, splitOf, type SplitFlags } from "../split-options.js";
import { writeResult } from "../terminal.js";
import { addVocabularyOptions, vocabularyOf, type VocabularyFlags } from "../vocabulary-options.js";

const examples = `
Examples:
  embed train-pca fixtures/purchases.csv -o run --user customer_id --item product_id --test 0.1
  embed train-pca fixtures/clicks.csv -o run --matrix features --dim 16
`;

const switches = ["scale", "whiten", "center", "exact"] as const;

type Flags = ReadingFlags &
  Omit<BadRowFlags, "force"> &
  OutputOptions &
  VocabularyFlags &
  EventFlags &
  HashKeysFlags &
  SplitFlags &
  ColumnFlags &
  Pick<TrainPcaOptions, "out"> & { force?: boolean; init?: string } & Partial<PcaOptions> &
  Pick<PcaOptions, "matrix">;

/** Adds the command. */
export function addTrainPca(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("train-pca")
    .summary("principal components: the baseline that every embedding should beat")
    .description(
      "Decomposes a log into principal components and writes a run directory: a vector for each user and item, each feature, or each column.",
    )
    .addHelpText("before", examples);
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
  addRunOutput(command);
  return addOutputOptions(command).action(async (paths: string[], flags: Flags) => {
    const { trainPca } = await import("../../api/train-pca.js");
    const options = { ...optionsOf(flags), ...(await badRowsOf(flags)) };
    const summary = await watched(flags, signal, (watch) => trainPca(paths, options, watch));
    if (flags.json) await writeResult(`${JSON.stringify(summary)}\n`);
    else if (!flags.quiet) await writeResult(`${screeTable(summary)}${trainedText(summary)}`);
  });
}

/** @throws {UsageError} a flag that components have no use for */
function optionsOf(flags: Flags): TrainPcaOptions {
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
