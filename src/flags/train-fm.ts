// The flags of train-fm, and what they say.

import { Option, type Command } from "commander";
import type { TrainFmOptions } from "../trainers/fm/asked.js";
import { UsageError } from "../errors.js";
import {
  binaryLinks,
  hyperparameters,
  methods,
  models,
  priorGroups,
  tasks,
  type FmOptions,
} from "../trainers/fm/options.js";
import { addHyperparameters, addRunOutput, badRowsOf, listOf, numberOf } from "./options.js";
import { addImplicitOptions, implicitOf } from "./implicit-options.js";
import { addLabelOptions, labelsOf, type LabelFlags } from "./label-options.js";
import { addLogOptions, logOf, type LogFlags } from "./log-options.js";
import { addRankingOptions, rankingOf, ranksItems, type RankingFlags } from "./ranking-options.js";
import { addMemoryOption, memoryOf, type MemoryFlags } from "./memory-option.js";
import { addWeeklyOptions, weeklyOf, type WeeklyFlags } from "./weekly-options.js";

/** As commander gives them. */
export type TrainFmFlags = LogFlags &
  LabelFlags &
  WeeklyFlags &
  MemoryFlags &
  RankingFlags &
  Partial<Pick<TrainFmOptions, "task">> &
  Partial<Omit<FmOptions, "loss">> & { l2?: number };

/** Adds the flags. */
export function addTrainFmFlags(command: Command): Command {
  addLogOptions(command);
  const model = (flags: string, help: string) => new Option(flags, help).helpGroup("Model:");
  const training = (flags: string, help: string) => new Option(flags, help).helpGroup("Training:");
  addMemoryOption(addWeeklyOptions(command));
  addImplicitOptions(addRankingOptions(command));
  addLabelOptions(command, {
    alone: ", --task ranking or implicit",
    negatives: "; ranking: by default as the loss needs",
    noise: "; sampled-softmax: popularity",
  });
  command
    .addOption(model("--model <model>", "what is trained").choices(models).default("fm"))
    .addOption(
      model("--task <task>", "what is predicted; by default binary when all labels are 0 or 1").choices(
        tasks,
      ),
    )
    .addOption(
      training("--method <method>", "how it is trained")
        .choices(methods)
        .default(undefined, "adagrad; implicit: als"),
    )
    .addOption(
      model("--link <link>", "als and mcmc: what turns a score into the probability of a label 1")
        .choices(binaryLinks)
        .default(undefined, "logit"),
    )
    .addOption(
      model("--prior-of <whom>", "mcmc: whose parameters share a prior, those of a field or all")
        .choices(priorGroups)
        .default(undefined, "field, or all for the squared loss"),
    )
    .addOption(
      training("--normalize-rows", "with --model ffm: divide each row's values by their Euclidean norm"),
    )
    .addOption(training("--no-shuffle", "train on the rows in the log's order"));
  command.addOption(training("--l2 <x>", "both --l2-weight and --l2-vector").argParser(numberOf("--l2")));
  addHyperparameters(command, hyperparameters, (name) => (name === "dim" ? "Model:" : "Training:"));
  command.addOption(
    training(
      "--l2-field <field=x,...>",
      "L2 on a field's weights and vectors, in place of the general",
    ).argParser(l2FieldOf),
  );
  return addRunOutput(command);
}

/**
 * The flags as options of the api.
 *
 * @throws {UsageError} flags that do not go together
 */
export async function trainFmOf(flags: TrainFmFlags): Promise<TrainFmOptions> {
  return { ...optionsOf(flags), ...(await badRowsOf(flags)) };
}

function optionsOf(flags: TrainFmFlags): TrainFmOptions {
  const { negatives } = flags;
  const ranks = ranksItems(flags.task);
  if (flags.noise !== undefined && negatives === 0 && !ranks)
    throw new UsageError("--noise goes with --negatives or --task ranking");
  const { model, method } = flags;
  const fm: Partial<FmOptions> = {
    ...(model && { model }),
    ...(method && { method }),
    ...(flags.link && { link: flags.link }),
    ...(flags.priorOf && { priorOf: flags.priorOf }),
    ...(flags.l2Field && { l2Field: flags.l2Field }),
    ...(flags.normalizeRows === true && { normalizeRows: true }),
    ...(flags.shuffle === false && { shuffle: false }),
    ...implicitOf(flags),
  };
  if (flags.l2 !== undefined) [fm.l2Weight, fm.l2Vector] = [flags.l2, flags.l2];
  for (const { name } of hyperparameters) if (flags[name] !== undefined) fm[name] = flags[name];
  return {
    ...logOf(flags, { unlabelled: negatives > 0 || ranks }),
    ...labelsOf(flags),
    ...(flags.task && { task: flags.task }),
    ...rankingOf(flags),
    ...weeklyOf(flags),
    ...memoryOf(flags),
    fm,
  };
}

/** user=0.01,item=0.1; given again, more of them. @throws {UsageError} a part is not FIELD=NUMBER */
function l2FieldOf(text: string, earlier: Record<string, number> = {}): Record<string, number> {
  const entries = listOf(text, undefined).map((part): [string, number] => {
    const at = part.lastIndexOf("=");
    const value = Number(part.slice(at + 1) || NaN);
    if (at <= 0 || !(value >= 0))
      throw new UsageError(`--l2-field expects FIELD=NUMBER with a number from 0 on, got '${part}'`);
    return [part.slice(0, at), value];
  });
  return { ...earlier, ...Object.fromEntries(entries) };
}
