// Options of a training that is repeated from week to week: where it goes on, how it is watched, and how it ends.

import { Option, type Command } from "commander";
import type { WeeklyOptions } from "../training/weekly-options.js";
import { rankingMetricNames } from "../trainers/ranking/options.js";
import { wholeOf } from "./options.js";

type Own =
  "init" | "expire" | "freeze" | "keepState" | "refit" | "metric" | "search" | "checkpointEvery" | "resume";

/** Metrics of predictions, and of ranked items. */
const judgeNames = ["loss", "auc", "rmse"] as const;
const metricNames = [...judgeNames, ...rankingMetricNames];
export type MetricName = (typeof metricNames)[number];

export type WeeklyFlags = Omit<Pick<WeeklyOptions, Own>, "metric"> & {
  metric?: MetricName;
  onInterrupt?: "abort" | "save";
};

/** Adds the options. */
export function addWeeklyOptions(command: Command): Command {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("From week to week:");
  return command
    .addOption(group("--init <run>", "start from an earlier run, by key; keys that the log lacks are kept"))
    .addOption(
      group(
        "--expire <age>",
        "leave out known keys not seen for so long: 8w (h, d, w) before the newest event, or 8 trainings",
      ),
    )
    .addOption(
      group(
        "--freeze <what>",
        "known: rows of the earlier run stay as they are, new ones are fitted to them",
      ).choices(["known"]),
    )
    .addOption(group("--keep-state", "keep the optimizer's accumulators in the run, for the next --init"))
    .addOption(
      group("--refit", "when the epochs are chosen, train once more on all rows, held-out ones among them"),
    )
    .addOption(
      group(
        "--checkpoint-every <n>",
        "epochs after which to save where training stands, beside the run",
      ).argParser(wholeOf("--checkpoint-every", 1)),
    )
    .addOption(
      group(
        "--search <n>",
        "try n settings of dim, learning rate and L2 on the validation part, and train with the best",
      ).argParser(wholeOf("--search", 2)),
    )
    .addOption(group("--resume", "go on from the checkpoint of a training that was killed, if there is one"))
    .addOption(
      group(
        "--metric <metric>",
        "what early stopping goes by (default: loss, or ndcg where items are ranked)",
      ).choices(metricNames),
    )
    .addOption(
      group("--on-interrupt <what>", "abort, or save the best epoch so far")
        .choices(["abort", "save"])
        .default("abort"),
    );
}

/** The flags as options of the api. @throws {UsageError} they do not go together */
export function weeklyOf(flags: WeeklyFlags): Pick<WeeklyOptions, Own> {
  const { search, init, expire, freeze, keepState, refit, checkpointEvery, resume } = flags;
  const metric = judgeNames.find((name) => name === flags.metric);
  return {
    ...(init !== undefined && { init }),
    ...(expire !== undefined && { expire }),
    ...(search !== undefined && { search }),
    ...(freeze && { freeze }),
    ...(keepState && { keepState }),
    ...(refit && { refit }),
    ...(metric && { metric }),
    ...(checkpointEvery !== undefined && { checkpointEvery }),
    ...(resume && { resume }),
  };
}
