// embed train-fm

import type { Command } from "commander";
import { addOutputOptions } from "../../flags/options.js";
import { addTrainFmFlags, trainFmOf, type TrainFmFlags } from "../../flags/train-fm.js";
import type { Interrupts } from "../interrupts.js";
import { trainedText } from "../metrics.js";
import { watched, type OutputOptions } from "../progress.js";
import { searchLines } from "../search.js";
import { steered } from "../steering.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples:
  embed train-fm fixtures/clicks.csv -o run --valid 0.1 --test 0.1
  embed train-fm fixtures/purchases.csv -o run --negatives 4 --test 0.1
`;

/** Adds the command. */
export function addTrainFm(program: Command, signal: AbortSignal, interrupts: Interrupts): Command {
  const command = program
    .command("train-fm")
    .description(
      "Trains a factorization machine on a log and writes a run directory: a vector for each key of each field.",
    )
    .addHelpText("before", examples);
  return addOutputOptions(addTrainFmFlags(command)).action(
    async (paths: string[], flags: TrainFmFlags & OutputOptions) => {
      const { trainFm } = await import("../../trainers/fm/command.js");
      const options = await trainFmOf(flags);
      const summary = await watched(flags, signal, (watch) =>
        trainFm(paths, options, steered(flags, interrupts, "the best epoch so far", watch)),
      );
      if (flags.json) await writeResult(`${JSON.stringify(summary)}\n`);
      else await writeResult(`${searchLines(summary.search)}${trainedText(summary)}`);
    },
  );
}
