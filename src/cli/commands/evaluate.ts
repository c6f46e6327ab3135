// embed evaluate

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import type { EvaluateOptions } from "../../api/evaluate.js";
import {
  addBadRowOptions,
  addOutputOptions,
  addReadingOptions,
  badRowsOf,
  readingOf,
  repeated,
  wholeOf,
  type BadRowFlags,
  type ReadingFlags,
} from "../options.js";
import { addHashKeysOption, hashKeysOf, type HashKeysFlags } from "../hash-keys-options.js";
import { watched, type OutputOptions } from "../progress.js";
import { metricLines } from "../metrics.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples:
  embed evaluate run --on fixtures/clicks.csv
  embed evaluate run --on fixtures/clicks.csv --json
`;

/** Adds the command. */
export function addEvaluate(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("evaluate")
    .summary("measure a run on a log that it has not seen")
    .description("Scores the rows of a log with a run's model and prints the metrics that fit its task.")
    .argument("<run>", "run directory")
    .addHelpText("before", examples)
    .requiredOption("--on <log>", "the log to measure on; repeat it for several files read as one", repeated)
    .addOption(new Option("--ranking", "rank all items for each user: recall and ndcg").helpGroup("Ranking:"))
    .addOption(
      new Option("--k <n>", "items a list (default: 20)").argParser(wholeOf("--k", 1)).helpGroup("Ranking:"),
    )
    .addOption(
      new Option("--mask <log>", "leave its items out of its users' lists too; repeat it for several files")
        .argParser(repeated)
        .helpGroup("Ranking:"),
    )
    .addOption(new Option("--threads <n>", "threads at most").argParser(wholeOf("--threads", 1)));
  addBadRowOptions(addReadingOptions(addHashKeysOption(command)));
  command.addOption(new Option("--force", "replace an existing --bad-rows file").helpGroup("Reading:"));
  return addOutputOptions(command).action(
    async (
      run: string,
      flags: ReadingFlags &
        BadRowFlags &
        OutputOptions &
        HashKeysFlags &
        Pick<EvaluateOptions, "on" | "ranking" | "k" | "mask">,
    ) => {
      const { evaluate } = await import("../../api/evaluate.js");
      const reading = readingOf(flags, flags.threads ?? availableParallelism());
      const { on, ranking, k, mask } = flags;
      const options = {
        on,
        ...(ranking && { ranking }),
        ...(k !== undefined && { k }),
        ...(mask && { mask }),
        reading,
        ...(await badRowsOf(flags)),
        ...hashKeysOf(flags),
      };
      const summary = await watched(flags, signal, (watch) => evaluate(run, options, watch));
      if (flags.json) await writeResult(`${JSON.stringify(summary)}\n`);
      else await writeResult(`${metricLines(summary.metrics)}${summary.rows.toLocaleString("en")} rows\n`);
    },
  );
}
