// embed train-pca

import type { Command } from "commander";
import { addOutputOptions } from "../../flags/options.js";
import { addTrainPcaFlags, trainPcaOf, type TrainPcaFlags } from "../../flags/train-pca.js";
import { trainedText } from "../metrics.js";
import { watched, type OutputOptions } from "../progress.js";
import { screeTable } from "../scree.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples:
  embed train-pca fixtures/purchases.csv -o run --user customer_id --item product_id --test 0.1
  embed train-pca fixtures/clicks.csv -o run --matrix features --dim 16
`;

/** Adds the command. */
export function addTrainPca(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("train-pca")
    .description(
      "Decomposes a log into principal components and writes a run directory: a vector for each user and item, each feature, or each column.",
    )
    .addHelpText("before", examples);
  return addOutputOptions(addTrainPcaFlags(command)).action(
    async (paths: string[], flags: TrainPcaFlags & OutputOptions) => {
      const { trainPca } = await import("../../trainers/pca/command.js");
      const options = await trainPcaOf(flags);
      const summary = await watched(flags, signal, (watch) => trainPca(paths, options, watch));
      if (flags.json) await writeResult(`${JSON.stringify(summary)}\n`);
      else await writeResult(`${screeTable(summary)}${trainedText(summary)}`);
    },
  );
}
