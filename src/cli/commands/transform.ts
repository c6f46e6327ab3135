// embed transform

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import { transformFormats, type TransformOptions } from "../../api/transform-options.js";
import { addHashKeysOption, hashKeysOf, type HashKeysFlags } from "../hash-keys-options.js";
import {
  addBadRowOptions,
  addOutputOptions,
  addReadingOptions,
  badRowsOf,
  readingOf,
  wholeOf,
  type BadRowFlags,
  type ReadingFlags,
} from "../options.js";
import { watched, type OutputOptions } from "../progress.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-gbdt fixtures/clicks.csv -o trees):
  embed transform trees fixtures/clicks.csv -o leaves.csv
  embed transform trees fixtures/clicks.csv --format npy -o leaves
`;

type Flags = ReadingFlags &
  BadRowFlags &
  OutputOptions &
  HashKeysFlags & {
    format: TransformOptions["format"];
    key?: string;
    features?: boolean;
    withScores?: boolean;
    out?: string;
  };

/** Adds the command. */
export function addTransform(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("transform")
    .summary("encode new rows with a run's model")
    .description(
      "Encodes the rows of a log with a run of trees: the leaf that each falls into in each tree. To a file or to stdout.",
    )
    .argument("<run>", "run directory of train-gbdt")
    .argument("<log...>", "files or patterns, read as one log; - is stdin")
    .addHelpText("before", examples)
    .addOption(new Option("--format <format>", "of the output").choices(transformFormats).default("csv"))
    .option("--key <column>", "what names the rows; by default their number from 1")
    .option("--features", "the columns that the trees split on, categories as numbers, instead of leaves")
    .option("--with-scores", "the model's score of each row, too")
    .addOption(new Option("--threads <n>", "threads at most").argParser(wholeOf("--threads", 1)));
  addBadRowOptions(addReadingOptions(addHashKeysOption(command)));
  command
    .addOption(
      new Option("-o, --out <path>", "file, or directory for npy; stdout by default, or -").helpGroup(
        "Output:",
      ),
    )
    .addOption(new Option("--force", "replace an existing output").helpGroup("Output:"));
  return addOutputOptions(command).action(async (run: string, on: string[], flags: Flags) => {
    const { transform } = await import("../../api/transform.js");
    const { format, key, features = false, withScores = false, out, force = false } = flags;
    const options: TransformOptions = {
      on,
      format,
      features,
      withScores,
      force,
      ...(key !== undefined && { key }),
      ...(out !== undefined && { out }),
      reading: readingOf(flags, flags.threads ?? availableParallelism()),
      ...(await badRowsOf(flags)),
      ...hashKeysOf(flags),
    };
    const summary = await watched(flags, signal, (watch) => transform(run, options, writeResult, watch));
    if (flags.json && summary.out !== "-") await writeResult(`${JSON.stringify(summary)}\n`);
  });
}
