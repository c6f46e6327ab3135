// The training commands, one per trainer.

import type { GivenTraining } from "../../training/options/log.js";
import type { Trainer } from "../../training/session/trainer.js";
import type { Watch } from "../../training/session/watch.js";
import { commandSpec, logOrQuery, type CommandSpec } from "../command-spec.js";
import type { Interrupts } from "../interrupts.js";
import { trainedText } from "../metrics.js";

/** Returns the command of a trainer. */
export function trainerCommand(trainer: Trainer): CommandSpec {
  const { description, examples, options, round = "epoch" } = trainer;
  const saves = round === "epoch" ? "the best epoch so far" : `the best number of ${round}s so far`;
  return commandSpec({
    description,
    arguments: [logOrQuery],
    examples: `\nExamples:\n${examples.replace(/^\n/, "")}`,
    options,
    async call([paths], given, { watch }) {
      const { train } = await import("../../training/session/session.js");
      return await train(trainer, paths, given as GivenTraining & { out: string }, watch);
    },
    steer: (given, interrupts, watch) => steered(given, interrupts, saves, watch),
    text: trainedText,
  });
}

/**
 * Returns the watch (progress callback and abort signal) of a training that a signal may finish early. @param saves
 * what is saved in that case, such as `the best epoch so far`
 */
function steered(
  { checkpointEvery, onInterrupt }: GivenTraining,
  interrupts: Interrupts,
  saves: string,
  watch: Watch,
): Watch {
  const written = "no run was written; an existing run is unchanged";
  if (checkpointEvery !== undefined)
    interrupts.keeps(`${written}; the checkpoint is kept: continue with --resume`);
  else if (onInterrupt === "save") interrupts.keeps(`there is nothing to save yet: ${written}`);
  if (onInterrupt !== "save") return watch;
  return { ...watch, finishInstead: (finish) => interrupts.finishInstead(saves, finish) };
}
