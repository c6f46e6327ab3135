// Options of `train-fm --task ranking`.

import { Option, type Command } from "commander";
import { flagOf, UsageError } from "../errors.js";
import {
  rankingHyperparameters,
  rankingLosses,
  rankingMetricNames,
  similarities,
  type RankingOptions,
} from "../trainers/ranking/options.js";
import { addHyperparameters } from "./options.js";
import type { MetricName } from "./weekly-options.js";

type Told = Partial<RankingOptions>;

/** As commander gives them. */
export type RankingFlags = Omit<Told, "rankingLoss" | "negatives" | "noise" | "metric"> & {
  loss?: RankingOptions["rankingLoss"];
  metric?: MetricName;
};

/** Adds the options of the ranking losses. */
export function addRankingOptions(command: Command): Command {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Ranking:");
  command.addOption(
    group("--loss <loss>", "ranking: bpr, or another; each has its own defaults of training").choices(
      rankingLosses,
    ),
  );
  command.addOption(
    group(
      "--similarity <what>",
      "ranking: scores are inner products or, for sampled-softmax and ccl (its default), cosines of user and item",
    ).choices(similarities),
  );
  return addHyperparameters(command, rankingHyperparameters, () => "Ranking:");
}

/**
 * The flags as options; nothing for another task.
 *
 * @throws {UsageError} a flag of ranking without --task ranking
 */
export function rankingOf(
  flags: RankingFlags & { task?: string; negatives: number; noise?: RankingOptions["noise"] },
): { ranking?: Told } {
  const { loss, similarity, negatives, noise } = flags;
  const metric = rankingMetricNames.find((name) => name === flags.metric);
  if (flags.metric && !metric && ranksItems(flags.task))
    throw new UsageError(
      `--metric ${flags.metric} is not for --task ${flags.task}, which ranks items: ndcg or recall`,
    );
  const told: Told = {
    ...(loss && { rankingLoss: loss }),
    ...(similarity && { similarity }),
    ...(metric && { metric }),
  };
  for (const { name } of rankingHyperparameters) if (flags[name] !== undefined) told[name] = flags[name];
  if (flags.task === "ranking") {
    return { ranking: { ...told, ...(noise && { noise }), ...(negatives > 0 && { negatives }) } };
  }
  const [first] = Object.keys(told).filter(
    (name) => flags.task !== "implicit" || !["metric", "k"].includes(name),
  );
  if (first !== undefined) {
    const flag = first === "rankingLoss" ? "loss" : first;
    throw new UsageError(`${flagOf(flag)} is for --task ranking`);
  }
  return flags.task === "implicit" ? { ranking: told } : {};
}

/** Whether the task takes events and ranks items. */
export function ranksItems(task: string | undefined): boolean {
  return task === "ranking" || task === "implicit";
}
