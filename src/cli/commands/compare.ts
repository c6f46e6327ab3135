// Declares the command `embed compare`.

import { compareOptions } from "../../api/compare/options.js";
import { commandSpec, logArgument } from "../command-spec.js";
import { leaderboardText } from "../leaderboard.js";

const examples = `
Examples:
  embed compare fixtures/clicks.csv -o clicks.html --budget 2m
  embed compare fixtures/purchases.csv -o purchases.html --repeats allow --trainers train-pca,train-als
`;

export const command = commandSpec({
  description:
    "Trains every trainer that suits the log, cheap ones first and within --budget, measures all runs on one held-out test split beside " +
    "baselines, with intervals, and writes the runs and a page: which embedding is best for the log, and whether it is better than the baselines.",
  arguments: [logArgument],
  examples,
  options: compareOptions,
  async call([paths], given, { watch }) {
    const { compareTrainers } = await import("../../api/compare/compare.js");
    return await compareTrainers(paths, given, watch);
  },
  text: leaderboardText,
});
