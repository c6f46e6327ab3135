// The flags of lift, and what they say.

import { Option, type Command } from "commander";
import { DEFAULT_PATIENCE, defaultRates, type LiftOptions } from "../api/lift/options.js";
import { hyperparameters } from "../trainers/net/options.js";
import { addLabelOptions } from "./label-options.js";
import { addLogOptions } from "./log-options.js";
import { addHyperparameters, numberOf, wholeOf } from "./options.js";
import { addNetworkOptions, keepKeysOption, trainNetOf, type TrainNetFlags } from "./train-net.js";

/** As commander gives them. */
export type LiftFlags = Omit<TrainNetFlags, "init" | "out"> &
  Pick<LiftOptions, "init" | "seeds" | "learningRates" | "embeddingLearningRates" | "unchecked" | "out"> & {
    format: "text" | "markdown";
  };

/** Hyperparameters that lift chooses itself, or takes of the run. */
const OWN: readonly string[] = ["dim", "learningRate", "embeddingLearningRate"];

/** Adds the flags. */
export function addLiftFlags(command: Command): Command {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Lift:");
  const rates = (flag: string, what: string, standard: readonly number[]) =>
    group(`${flag} <list>`, `step sizes of the ${what} that each start is tried with`)
      .argParser(ratesOf(flag))
      .default(standard, standard.join(","));
  addNetworkOptions(addLabelOptions(addLogOptions(command)))
    .addOption(group("--init <run>", "the run whose table is judged").makeOptionMandatory())
    .addOption(keepKeysOption().helpGroup("Lift:"))
    .addOption(group("--seeds <n>", "trainings of each start").argParser(wholeOf("--seeds", 2)).default(5))
    .addOption(rates("--learning-rates", "dense layers", defaultRates.learningRates))
    .addOption(rates("--embedding-learning-rates", "embedding layer", defaultRates.embeddingLearningRates))
    .addOption(
      group(
        "--unchecked",
        "go on where nobody can tell whether the table has seen the rows that it is judged by",
      ),
    );
  addHyperparameters(
    command,
    hyperparameters
      .filter(({ name }) => !OWN.includes(name))
      .map((one) => (one.name === "patience" ? { ...one, default: String(DEFAULT_PATIENCE) } : one)),
    (name) => (["dropout", "crossBits"].includes(name) ? "Model:" : "Training:"),
  );
  return command
    .addOption(
      new Option("-o, --out <file>", "write the whole result, curves among it, as JSON").helpGroup("Output:"),
    )
    .addOption(
      new Option("--format <format>", "of what is printed")
        .choices(["text", "markdown"])
        .default("text")
        .helpGroup("Output:"),
    )
    .addOption(new Option("--force", "replace an existing file").helpGroup("Output:"));
}

/**
 * The flags as options of the api.
 *
 * @throws {UsageError} flags that do not go together
 */
export async function liftOf(flags: LiftFlags): Promise<LiftOptions> {
  const { init, seeds, learningRates, embeddingLearningRates, unchecked, out } = flags;
  const { metric: _, out: __, ...options } = await trainNetOf({ ...flags, out: "" });
  return {
    ...options,
    ...{ init, seeds, learningRates, embeddingLearningRates },
    ...(unchecked && { unchecked }),
    ...(out !== undefined && { out }),
  };
}

/** 0.001,0.003; ranges are the trainer's. */
function ratesOf(flag: string): (text: string) => number[] {
  return (text) => text.split(",").map(numberOf(flag));
}
