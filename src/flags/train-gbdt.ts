// The flags of train-gbdt, and what they say.

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import type { TrainGbdtOptions } from "../trainers/gbdt/asked.js";
import {
  boostings,
  defaultHead,
  headMethods,
  headPriors,
  hyperparameters,
  type GbdtOptions,
  type HeadOptions,
} from "../trainers/gbdt/options.js";
import { UsageError } from "../errors.js";
import { addColumnOptions, columnsOf, type ColumnFlags } from "./column-options.js";
import { addEventOptions, eventsOf, type EventFlags } from "./event-options.js";
import { addHashKeysOptions, hashKeysOf, type HashKeysFlags } from "./hash-keys-options.js";
import {
  addBadRowOptions,
  addHyperparameters,
  addLogArgument,
  addReadingOptions,
  addRunOutput,
  badRowsOf,
  listOf,
  numberOf,
  readingOf,
  wholeOf,
  type BadRowFlags,
  type ReadingFlags,
} from "./options.js";
import { addSplitOptions, splitOf, type SplitFlags } from "./split-options.js";

type Steering = "init" | "refit" | "refitDecay" | "checkpointEvery" | "resume";

/** As commander gives them. */
export type TrainGbdtFlags = ReadingFlags &
  Omit<BadRowFlags, "force"> &
  EventFlags &
  HashKeysFlags &
  SplitFlags &
  ColumnFlags &
  Pick<TrainGbdtOptions, "out"> &
  Partial<Pick<TrainGbdtOptions, "force" | "task" | "positiveFrom" | Steering>> &
  Partial<GbdtOptions> & {
    head?: "lr";
    headSplit?: number;
    headL2?: number;
    headL1?: number;
    headMethod?: HeadOptions["method"];
    headPrior?: HeadOptions["prior"];
    crossFit?: number;
    entity?: string;
    dense?: number;
    dim?: number;
    ctr?: string[];
    ctrKeep?: boolean;
    ctrPrior?: number;
    ctrPriorWeight?: number;
    onInterrupt?: "abort" | "save";
  };

/** Adds the flags. */
export function addTrainGbdtFlags(command: Command): Command {
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
    )
    .addOption(
      model(
        "--head-method <method>",
        `how it is fitted: all rows at once, or a row at a time (default: ${defaultHead.method})`,
      ).choices(headMethods),
    )
    .addOption(
      model("--head-l1 <x>", "L1 on the head's weights, with --head-method ftrl (default: 0)").argParser(
        numberOf("--head-l1"),
      ),
    )
    .addOption(
      model(
        "--cross-fit <k>",
        "k forests, each with a head on the fold that it has not seen, averaged; in place of --head-split",
      ).argParser(wholeOf("--cross-fit", 2)),
    );
  const ids = (flags: string, help: string) => new Option(flags, help).helpGroup("Columns:");
  command
    .addOption(
      ids(
        "--ctr <columns>",
        "ids of many values: what the target was in their earlier rows takes their place",
      ).argParser(listOf),
    )
    .addOption(ids("--ctr-keep", "the ids stay categories beside it"))
    .addOption(
      ids("--ctr-prior <x>", "what an id without rows is (default: the mean of the training rows)").argParser(
        numberOf("--ctr-prior"),
      ),
    )
    .addOption(
      ids("--ctr-prior-weight <x>", "rows that the prior counts for (default: 1)").argParser(
        numberOf("--ctr-prior-weight"),
      ),
    );
  command
    .addOption(
      model(
        "--entity <column>",
        "a table with a vector for each key of the column, of the leaves of its rows",
      ),
    )
    .addOption(model("--dim <n>", "numbers of such a vector (default: 16)").argParser(wholeOf("--dim", 1)))
    .addOption(
      model(
        "--dense <n>",
        "keep n singular vectors of the rows' leaves, which transform --dense multiplies new rows by",
      ).argParser(wholeOf("--dense", 1)),
    );
  addSteering(command);
  addHyperparameters(command, hyperparameters, () => "Training:");
  return addRunOutput(command);
}

/**
 * The flags as options of the api.
 *
 * @throws {UsageError} flags that do not go together
 */
export async function trainGbdtOf(flags: TrainGbdtFlags): Promise<TrainGbdtOptions> {
  return { ...optionsOf(flags), ...(await badRowsOf(flags)) };
}

function addSteering(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("From week to week:");
  command
    .addOption(group("--init <run>", "go on from the trees of an earlier run of the same columns"))
    .addOption(
      group(
        "--refit",
        "keep what was decided, and fit it to all rows: with --init the leaves of that run's trees, else as many trees as the validation part chose",
      ),
    )
    .addOption(
      group(
        "--refit-decay <share>",
        "share of its value that a leaf keeps under --init --refit (default: 0.9)",
      ).argParser(numberOf("--refit-decay")),
    )
    .addOption(
      group(
        "--checkpoint-every <n>",
        "trees after which to save where training stands, beside the run",
      ).argParser(wholeOf("--checkpoint-every", 1)),
    )
    .addOption(group("--resume", "go on from the checkpoint of a training that was killed, if there is one"))
    .addOption(
      group("--on-interrupt <what>", "abort, or save the best number of trees so far")
        .choices(["abort", "save"])
        .default("abort"),
    );
}

function optionsOf(flags: TrainGbdtFlags): TrainGbdtOptions {
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
    ...ctrOf(flags),
    ...entityOf(flags),
    ...(flags.dense !== undefined && { dense: flags.dense }),
    ...steeringOf(flags),
    gbdt,
  };
}

function steeringOf({
  init,
  refit,
  refitDecay,
  checkpointEvery,
  resume,
}: TrainGbdtFlags): Pick<TrainGbdtOptions, Steering> {
  return {
    ...(init !== undefined && { init }),
    ...(refit && { refit }),
    ...(refitDecay !== undefined && { refitDecay }),
    ...(checkpointEvery !== undefined && { checkpointEvery }),
    ...(resume && { resume }),
  };
}

/** @throws {UsageError} options of a head without --head */
function headOf({
  head,
  headSplit,
  headL2,
  headL1,
  headMethod,
  crossFit,
  headPrior,
}: TrainGbdtFlags): Pick<TrainGbdtOptions, "head"> {
  const told = {
    ...(headSplit !== undefined && { split: headSplit }),
    ...(headL2 !== undefined && { l2: headL2 }),
    ...(headL1 !== undefined && { l1: headL1 }),
    ...(headMethod && { method: headMethod }),
    ...(crossFit !== undefined && { crossFit }),
    ...(headPrior && { prior: headPrior }),
  };
  if (head) return { head: told };
  if (Object.keys(told).length > 0)
    throw new UsageError("--cross-fit and options that start with --head- go with --head lr");
  return {};
}

/** @throws {UsageError} options of target statistics without --ctr */
function ctrOf({ ctr, ctrKeep, ctrPrior, ctrPriorWeight }: TrainGbdtFlags): Pick<TrainGbdtOptions, "ctr"> {
  if (ctr)
    return {
      ctr: {
        columns: [...new Set(ctr)],
        keep: ctrKeep ?? false,
        ...(ctrPrior !== undefined && { prior: ctrPrior }),
        priorWeight: ctrPriorWeight ?? 1,
      },
    };
  if (ctrKeep !== undefined || ctrPrior !== undefined || ctrPriorWeight !== undefined)
    throw new UsageError("--ctr-keep, --ctr-prior and --ctr-prior-weight go with --ctr COLUMNS");
  return {};
}

/** @throws {UsageError} --dim without --entity */
function entityOf({ entity, dim }: TrainGbdtFlags): Pick<TrainGbdtOptions, "entity"> {
  if (entity !== undefined) return { entity: { column: entity, dim: dim ?? 16 } };
  if (dim !== undefined)
    throw new UsageError("--dim goes with --entity COLUMN: trees have leaves, not vectors");
  return {};
}
