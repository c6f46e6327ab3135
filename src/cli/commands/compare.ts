// embed compare

import type { Command } from "commander";
import type { Comparison } from "../../api/compare/compare.js";
import { compareOptions, type GivenCompare } from "../../api/compare/options.js";
import { addLogArgument, addOutputOptions } from "../../flags/options.js";
import { addTable, givenOf } from "../../flags/table-option.js";
import { leaderboardText } from "../leaderboard.js";
import { watched, type Caller, type OutputOptions } from "../progress.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples:
  embed compare fixtures/clicks.csv -o clicks.html --budget 2m
  embed compare fixtures/purchases.csv -o purchases.html --repeats allow --trainers train-pca,train-als
`;

/** Adds the command. */
export function addCompare(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("compare")
    .description(
      "Trains every trainer that suits the log, cheap ones first and within --budget, measures all runs on one held-out test split beside " +
        "baselines, with intervals, and writes the runs and a page: which embedding is best for the log, and whether it is better than the baselines.",
    )
    .addHelpText("before", examples);
  addTable(addLogArgument(command), compareOptions);
  return addOutputOptions(command).action(async (paths: string[], flags: OutputOptions) => {
    const result = await watched(flags, signal, (watch) => callCompare(paths, flags, { watch, command }));
    await writeResult(flags.json ? `${JSON.stringify(result)}\n` : leaderboardText(result));
  });
}

export async function callCompare(
  paths: string[],
  _: object,
  { watch, command }: Omit<Caller, "write">,
): Promise<Comparison> {
  const { compareTrainers } = await import("../../api/compare/compare.js");
  return await compareTrainers(paths, givenOf(command, compareOptions) as GivenCompare, watch);
}
