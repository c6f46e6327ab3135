// embed train-net

import type { Command } from "commander";
import { addOutputOptions } from "../../flags/options.js";
import { addTrainNetFlags, trainNetOf, type TrainNetFlags } from "../../flags/train-net.js";
import type { Interrupts } from "../interrupts.js";
import { trainedText } from "../metrics.js";
import { watched, type OutputOptions } from "../progress.js";
import { steered } from "../steering.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples:
  embed train-net fixtures/clicks.csv -o net --arch fnn --valid 0.1 --test 0.1
  embed train-net fixtures/clicks.csv -o net --arch wide-deep --cross device*hour --valid 0.1

  with a table that was trained before:
  embed train-fm fixtures/clicks.csv -o run --valid 0.1 --test 0.1
  embed train-net fixtures/clicks.csv -o net --arch fnn --init run --valid 0.1 --test 0.1
`;

/** Adds the command. */
export function addTrainNet(program: Command, signal: AbortSignal, interrupts: Interrupts): Command {
  const command = program
    .command("train-net")
    .description(
      "Trains a network above an embedding layer, which starts from an earlier run's table or at random, and writes a run directory: " +
        "the network, and its embedding layer as a table.",
    )
    .addHelpText("before", examples);
  return addOutputOptions(addTrainNetFlags(command)).action(
    async (paths: string[], flags: TrainNetFlags & OutputOptions) => {
      const { trainNet } = await import("../../trainers/net/command.js");
      const options = await trainNetOf(flags);
      const summary = await watched(flags, signal, (watch) =>
        trainNet(paths, options, steered(flags, interrupts, "the best epoch so far", watch)),
      );
      if (flags.json) await writeResult(`${JSON.stringify(summary)}\n`);
      else await writeResult(trainedText(summary));
    },
  );
}
