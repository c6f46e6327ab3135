// embed train-gbdt

import type { Command } from "commander";
import { addOutputOptions } from "../../flags/options.js";
import { addTrainGbdtFlags, trainGbdtOf, type TrainGbdtFlags } from "../../flags/train-gbdt.js";
import type { Interrupts } from "../interrupts.js";
import { trainedText } from "../metrics.js";
import { watched, type OutputOptions } from "../progress.js";
import { steered } from "../steering.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples:
  embed train-gbdt fixtures/clicks.csv -o trees --valid 0.1 --test 0.1
  embed train-gbdt fixtures/ratings.csv -o trees --label rating --num-trees 50
`;

/** Adds the command. */
export function addTrainGbdt(program: Command, signal: AbortSignal, interrupts: Interrupts): Command {
  const command = program
    .command("train-gbdt")
    .description(
      "Trains boosted trees on a log and writes a run directory: the trees in LightGBM's text format and a table of their leaves.",
    )
    .addHelpText("before", examples);
  return addOutputOptions(addTrainGbdtFlags(command)).action(
    async (paths: string[], flags: TrainGbdtFlags & OutputOptions) => {
      const { trainGbdt } = await import("../../trainers/gbdt/command.js");
      const options = await trainGbdtOf(flags);
      const summary = await watched(flags, signal, (watch) =>
        trainGbdt(paths, options, steered(flags, interrupts, "the best number of trees so far", watch)),
      );
      if (flags.json) await writeResult(`${JSON.stringify(summary)}\n`);
      else await writeResult(trainedText(summary));
    },
  );
}
