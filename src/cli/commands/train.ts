// The training commands, one for each trainer.

import type { Command } from "commander";
import { addLogOrQueryArgument, addOutputOptions } from "../../flags/options.js";
import { addTable, givenOf } from "../../flags/table-option.js";
import type { Trainer } from "../../training/session/trainer.js";
import type { GivenTraining } from "../../training/options/log.js";
import type { TrainingSummary } from "../../training/session/summary.js";
import type { Interrupts } from "../interrupts.js";
import { trainedText } from "../metrics.js";
import { watched, type Caller, type OutputOptions } from "../progress.js";
import { steered, type SteeringFlags } from "../interrupt-options.js";
import { writeResult } from "../terminal.js";

/** Adds a trainer's command. */
export function addTrainer(
  trainer: Trainer,
  program: Command,
  signal: AbortSignal,
  interrupts: Interrupts,
): Command {
  const { description, examples, options, round = "epoch" } = trainer;
  const command = program
    .command(trainer.command)
    .description(description)
    .addHelpText("before", `\nExamples:\n${examples.replace(/^\n/, "")}`);
  addTable(addLogOrQueryArgument(command), options);
  return addOutputOptions(command).action(async (paths: string[], flags: SteeringFlags & OutputOptions) => {
    const saves = round === "epoch" ? "the best epoch so far" : `the best number of ${round}s so far`;
    const summary = await watched(flags, signal, (watch) =>
      callTrain(trainer, paths, { watch: steered(flags, interrupts, saves, watch), command }),
    );
    await writeResult(flags.json ? `${JSON.stringify(summary)}\n` : trainedText(summary));
  });
}

export async function callTrain(
  trainer: Trainer,
  paths: string[],
  { watch, command }: Omit<Caller, "write">,
): Promise<TrainingSummary> {
  const { train } = await import("../../training/session/session.js");
  return await train(
    trainer,
    paths,
    givenOf(command, trainer.options) as GivenTraining & { out: string },
    watch,
  );
}
