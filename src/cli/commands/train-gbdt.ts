// embed train-gbdt

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import type { TrainGbdtOptions } from "../../api/train-gbdt-options.js";
import {
  boostings,
  defaultHead,
  headPriors,
  hyperparameters,
  type GbdtOptions,
  type HeadOptions,
} from "../../trainers/gbdt/options.js";
import { UsageError } from "../../errors.js";
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
  numberOf,
  readingOf,
  type BadRowFlags,
  type ReadingFlags,
} from "../options.js";
import { watched, type OutputOptions } from "../progress.js";
import { addSplitOptions, splitOf, type SplitFlags } from "../split-options.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples:
  embed train-gbdt fixtures/clicks.csv -o trees --valid 0.1 --test 0.1
  embed train-gbdt fixtures/ratings.csv -o trees --label rating --num-trees 50
`;

type Flags = ReadingFlags &
  Omit<BadRowFlags, "force"> &
  OutputOptions &
  EventFlags &
  HashKeysFlags &
  SplitFlags &
  ColumnFlags &
  Pick<TrainGbdtOptions, "out"> &
  Partial<Pick<TrainGbdtOptions, "force" | "task" | "positiveFrom">> &
  Partial<GbdtOptions> & {
    head?: "lr";
    headSplit?: number;
    headL2?: number;
    headPrior?: HeadOptions["prior"];
  };

/** Adds the command. */
export function addTrainGbdt(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("train-gbdt")
    .summary("train boosted trees: the leaf of each row in each tree encodes it")
    .description(
      "Trains boosted trees on a log and writes a run directory: the trees in LightGBM's text format and a table of their leaves.",
    )
    .addHelpText("before", examples);
  addBadRowOptions(addReadingOptions(addColumnOptions(addLogArgument(command))));
  addEventOptions(addHashKeysOptions(addSplitOptions(command)));
  const model = (flags: string, help: string) => new Option(flags, help).helpGroup("Model:");
  command
    .addOption(
      model("--task <task>", "what is predicted (default: by the labels)").choices([
        "binary",
        "regression",
        "multiclass",
      ]),
    )
    .addOption(
      model("--positive-from <x>", "a label from x on is 1, else 0").argParser(numberOf("--positive-from")),
    )
    .addOption(
      model("--grow <order>", "which leaf is split next: of the greatest gain, or of the least depth")
        .choices(["leaf", "depth"])
        .default("leaf"),
    )
    .addOption(
      model(
        "--boosting <kind>",
        "grow trees on all rows (or a bag of them), or on those of the greatest gradients",
      )
        .choices(boostings)
        .default("gbdt"),
    );
  command
    .addOption(model("--head <model>", "a logistic regression on the leaves").choices(["lr"]))
    .addOption(
      model(
        "--head-split <share>",
        `training rows that the head is fitted on and the trees are not: the latest, or by hash (default: ${defaultHead.split})`,
      ).argParser(numberOf("--head-split")),
    )
    .addOption(
      model("--head-l2 <x>", `L2 on the head's weights (default: ${defaultHead.l2})`).argParser(
        numberOf("--head-l2"),
      ),
    )
    .addOption(
      model("--head-prior <prior>", `what its weights are drawn to (default: ${defaultHead.prior})`).choices(
        headPriors,
      ),
    );
  addHyperparameters(command, hyperparameters, () => "Training:");
  addRunOutput(command);
  return addOutputOptions(command).action(async (paths: string[], flags: Flags) => {
    const { trainGbdt } = await import("../../api/train-gbdt.js");
    const options = { ...optionsOf(flags), ...(await badRowsOf(flags)) };
    const summary = await watched(flags, signal, (watch) => trainGbdt(paths, options, watch));
    if (flags.json) await writeResult(`${JSON.stringify(summary)}\n`);
    else if (!flags.quiet) await writeResult(trainedText(summary));
  });
}

function optionsOf(flags: Flags): TrainGbdtOptions {
  const { grow, boosting } = flags;
  const gbdt: Partial<GbdtOptions> = { ...(grow && { grow }), ...(boosting && { boosting }) };
  for (const { name } of hyperparameters) if (flags[name] !== undefined) gbdt[name] = flags[name];
  return {
    ...columnsOf(flags),
    ...(flags.task && { task: flags.task }),
    ...(flags.positiveFrom !== undefined && { positiveFrom: flags.positiveFrom }),
    onBadRow: flags.onBadRow,
    infer: true,
    unlabelled: false,
    reading: readingOf(flags, flags.threads ?? availableParallelism()),
    out: flags.out,
    force: flags.force ?? false,
    ...eventsOf(flags),
    ...hashKeysOf(flags),
    ...splitOf(flags),
    ...headOf(flags),
    gbdt,
  };
}

/** @throws {UsageError} options of a head without --head */
function headOf({ head, headSplit, headL2, headPrior }: Flags): Pick<TrainGbdtOptions, "head"> {
  const told = {
    ...(headSplit !== undefined && { split: headSplit }),
    ...(headL2 !== undefined && { l2: headL2 }),
    ...(headPrior && { prior: headPrior }),
  };
  if (head) return { head: told };
  if (Object.keys(told).length > 0)
    throw new UsageError("--head-split, --head-l2 and --head-prior go with --head lr");
  return {};
}
