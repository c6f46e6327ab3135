// The flags of train-net, and what they say.

import { Option, type Command } from "commander";
import type { TrainNetOptions } from "../trainers/net/asked.js";
import { UsageError } from "../errors.js";
import {
  activations,
  archs,
  hyperparameters,
  netTasks,
  type NetOptions,
  type ToldNetOptions,
} from "../trainers/net/options.js";
import { addLabelOptions, labelsOf, type LabelFlags } from "./label-options.js";
import { addLogOptions, logOf, type LogFlags } from "./log-options.js";
import { addHyperparameters, addRunOutput, badRowsOf, listOf, wholeOf } from "./options.js";

/** What early stopping goes by. */
const metricNames = ["loss", "auc", "rmse"] as const;

/** As commander gives them. */
export type TrainNetFlags = LogFlags &
  LabelFlags &
  Partial<Pick<TrainNetOptions, "task" | "init" | "keepKeys" | "metric">> &
  ToldNetOptions & { onInterrupt?: "abort" | "save" };

/** Adds the flags. */
export function addTrainNetFlags(command: Command): Command {
  addTrainingOptions(addNetworkOptions(addLabelOptions(addLogOptions(command))));
  addHyperparameters(command, hyperparameters, (name) =>
    ["dim", "dropout", "crossBits"].includes(name) ? "Model:" : "Training:",
  );
  return addRunOutput(command);
}

/** Adds what the network is. */
export function addNetworkOptions(command: Command): Command {
  const model = (flags: string, help: string) => new Option(flags, help).helpGroup("Model:");
  return command
    .addOption(model("--arch <network>", "the network").choices(archs).makeOptionMandatory())
    .addOption(
      model(
        "--hidden <sizes>",
        "outputs of the hidden layers; deep-crossing: inner sizes of its residual units",
      )
        .argParser(sizesOf)
        .default(undefined, "256,128"),
    )
    .addOption(
      model("--activation <function>", "of the hidden layers")
        .choices(activations)
        .default(undefined, "fnn: tanh, others: relu"),
    )
    .addOption(
      model(
        "--cross <a*b>",
        "wide-deep: pairs of keys of two columns are features of the wide part; repeat it for several",
      ).argParser(crossOf),
    )
    .addOption(
      model(
        "--embedding-relu",
        "deep-crossing: a ReLU on the embedding layer, as its paper has; it zeroes half of a signed table",
      ),
    )
    .addOption(
      model("--task <task>", "what is predicted; by default binary when all labels are 0 or 1").choices(
        netTasks,
      ),
    );
}

/** With --init: which of the table's keys there are. */
export function keepKeysOption(): Option {
  return new Option(
    "--keep-keys",
    "with --init: keys that the training part lacks are in the vocabulary too, with the table's numbers",
  ).helpGroup("Model:");
}

/** Adds what it starts from, and how it is trained. */
function addTrainingOptions(command: Command): void {
  const training = (flags: string, help: string) => new Option(flags, help).helpGroup("Training:");
  command
    .addOption(
      new Option(
        "--init <run>",
        "start the embedding layer from the table of a run, by key; random starts it at random (default: random)",
      ).helpGroup("Model:"),
    )
    .addOption(keepKeysOption())
    .addOption(training("--freeze-embeddings", "with --init: the table's numbers stay as they are"))
    .addOption(
      training("--metric <metric>", "what early stopping goes by (default: loss)").choices(metricNames),
    )
    .addOption(
      training("--on-interrupt <what>", "abort, or save the best epoch so far")
        .choices(["abort", "save"])
        .default("abort"),
    );
}

/**
 * The flags as options of the api.
 *
 * @throws {UsageError} flags that do not go together
 */
export async function trainNetOf(flags: TrainNetFlags): Promise<TrainNetOptions> {
  return { ...optionsOf(flags), ...(await badRowsOf(flags)) };
}

function optionsOf(flags: TrainNetFlags): TrainNetOptions {
  const { negatives, task, init, keepKeys, metric } = flags;
  if (flags.noise !== undefined && negatives === 0) throw new UsageError("--noise goes with --negatives");
  const { arch, hidden, activation, cross, embeddingRelu, freezeEmbeddings } = flags;
  const net: ToldNetOptions = {
    arch,
    ...(hidden && { hidden }),
    ...(activation && { activation }),
    ...(cross && { cross }),
    ...(embeddingRelu && { embeddingRelu }),
    ...(freezeEmbeddings && { freezeEmbeddings }),
  };
  for (const { name } of hyperparameters) if (flags[name] !== undefined) net[name] = flags[name];
  return {
    ...logOf(flags, { unlabelled: negatives > 0 }),
    ...labelsOf(flags),
    ...(task && { task }),
    ...(init !== undefined && { init }),
    ...(keepKeys && { keepKeys }),
    ...(metric && { metric }),
    net,
  };
}

/** 256,128; ranges are the trainer's. @throws {UsageError} a part is no number */
function sizesOf(text: string): number[] {
  return text.split(",").map((part) => wholeOf("--hidden", 1)(part));
}

type Crosses = NetOptions["cross"];

/** device*hour, split at the first star; repeats and takes commas. @throws {UsageError} not two names */
function crossOf(text: string, previous: Crosses = []): Crosses {
  const pairs = listOf(text, undefined).map((part): readonly [string, string] => {
    const star = part.indexOf("*");
    const [a, b] = [part.slice(0, star), part.slice(star + 1)];
    if (star < 1 || b === "" || a === b)
      throw new UsageError(`--cross expects two columns, such as device*hour, got '${part}'`);
    return [a, b];
  });
  return [...previous, ...pairs];
}
