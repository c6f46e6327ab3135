// embed predict

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import { predictFormats, type PredictOptions, type PredictSummary } from "../../api/predict/options.js";
import {
  addBadRowOptions,
  addHashKeysOption,
  addOutputOptions,
  addReadingOptions,
  badRowsOf,
  type BadRowFlags,
  type HashKeysFlags,
  type ReadingFlags,
} from "../../flags/options.js";
import { listOf, wholeOf } from "../../flags/parsers.js";
import { definedOf } from "../../training/options/defined.js";
import { readingOf } from "../../training/options/reading.js";
import { watched, type Caller, type OutputOptions } from "../progress.js";
import { writeLine, writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run):
  embed predict run fixtures/clicks.csv --keep user,item -o predictions.csv
  embed predict run fixtures/clicks.csv -o predictions.parquet
  tail -f clicks.csv | embed predict run - --keep user,item
Example with trees of another program:
  embed predict --model model.txt rows.csv -o scores.csv
`;

type Flags = ReadingFlags &
  BadRowFlags &
  OutputOptions &
  HashKeysFlags &
  Omit<PredictOptions, "on" | "reading" | "maxBad" | "badRows" | "force"> & { force?: boolean };

/** Adds the command. */
export function addPredict(program: Command, signal: AbortSignal): Command {
  const output = (flags: string, help: string) => new Option(flags, help).helpGroup("Output:");
  const command = program
    .command("predict")
    .description(
      "Writes a run's prediction for each row of a log, in the order of the log: a probability, a number, " +
        "one probability per class, or a ranking model's score for a user and an item. The log is read with " +
        "the run's options and needs no label. CSV and JSON lines are processed in blocks, so memory use does " +
        "not grow with the log.",
    )
    .argument("[run]", "run directory; omit with --model")
    .argument("[log...]", "files or patterns, read as one log; - is stdin")
    .addHelpText("before", examples)
    .addOption(
      new Option(
        "--keep <columns>",
        "columns of the log to write with the predictions, such as user,item; by default the row number, from 1",
      ).argParser(listOf),
    )
    .option("--raw-scores", "write raw scores: log-odds, or class scores before the softmax")
    .option(
      "--model <file>",
      "use a LightGBM (text) or XGBoost (JSON) model file instead of a run, and write its raw scores",
    )
    .addOption(
      new Option("--threads <n>", "maximum number of threads; the result does not depend on it").argParser(
        wholeOf("--threads", 1),
      ),
    );
  addBadRowOptions(addReadingOptions(addHashKeysOption(command)));
  command
    .addOption(
      output("--format <format>", "output format; by default from the extension of -o, else csv").choices(
        predictFormats,
      ),
    )
    .addOption(output("-o, --out <path>", "file to write; - or no file is stdout"))
    .addOption(output("--force", "replace an existing output"));
  return addOutputOptions(command).action(async (first: string | undefined, more: string[], flags: Flags) => {
    const summary = await watched(flags, signal, (watch) =>
      callPredict(first, more, flags, { watch, write: writeResult }),
    );
    if (flags.json && summary.out !== "-") await writeResult(`${JSON.stringify(summary)}\n`);
    else if (!flags.quiet) writeLine(textOf(summary));
  });
}

export async function callPredict(
  first: string | undefined,
  more: string[],
  flags: Flags,
  { watch, write }: Omit<Caller, "command">,
): Promise<PredictSummary> {
  const { predict } = await import("../../api/predict/predict.js");
  const { keep, rawScores, model, format, out, hashKeys, force = false } = flags;
  const named = [...(first === undefined ? [] : [first]), ...more];
  const [run, on] = model === undefined ? [named[0], named.slice(1)] : [undefined, named];
  const options: PredictOptions = {
    ...{ on, force },
    ...definedOf({ keep, rawScores, model, format, out, hashKeys }),
    reading: readingOf(flags, flags.threads ?? availableParallelism()),
    ...(await badRowsOf(flags)),
  };
  return await predict(run, options, write, watch);
}

function textOf({ out, rows, seconds, predictions }: PredictSummary): string {
  const names = predictions.length > 3 ? `${predictions.length} classes` : predictions.join(", ");
  return `${out === "-" ? "standard output" : out}: ${rows.toLocaleString("en")} rows (${names}) in ${seconds.toFixed(1)} s`;
}
