// embed transform

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import {
  distanceKinds,
  transformFormats,
  type DistanceKind,
  type TransformOptions,
} from "../../training/options/transform-options.js";
import { UsageError } from "../../errors.js";
import { markCommon } from "../../flags/common.js";
import {
  addBadRowOptions,
  addOutputOptions,
  addHashKeysOption,
  addReadingOptions,
  badRowsOf,
  type BadRowFlags,
  type HashKeysFlags,
  type ReadingFlags,
} from "../../flags/options.js";
import { listOf, numberOf, repeated, wholeOf } from "../../flags/parsers.js";
import { addTable, givenOf } from "../../flags/table-option.js";
import { content, type ContentOptions } from "../../training/options/content-options.js";
import { definedOf } from "../../training/options/defined.js";
import { readingOf } from "../../training/options/reading.js";
import type { Summary } from "../../training/session/summary.js";
import { watched, type Caller, type OutputOptions } from "../progress.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-gbdt fixtures/clicks.csv -o trees):
  embed transform trees fixtures/clicks.csv -o leaves.csv
  embed transform trees fixtures/clicks.csv --format npy -o leaves
Examples (after embed train-fm fixtures/ratings.csv -o ratings --label rating \\
    --side fixtures/items.csv:item_id --multi 'genres:|' --ignore title):
  embed transform ratings new-items.csv --key item_id -o items.csv
  embed transform ratings --fold-in first-events.csv --field user -o users.csv
  tail -f events.csv | embed transform ratings --fold-in - --stream
Example of new items that no event held yet, beside known ones in the same table:
  embed transform RUN listings.csv --nearest 3 --distance lat,lon --within type,price_band -o new.csv
Example of new items from what a catalogue says of them, whatever the table:
  embed transform RUN new-items.csv --content catalogue.csv --content-multi 'genres:|' -o new.csv
Examples (after embed train-net fixtures/clicks.csv -o net --arch fnn):
  embed transform net fixtures/clicks.csv -o hidden.csv
`;

type Flags = ReadingFlags &
  BadRowFlags &
  OutputOptions &
  HashKeysFlags & {
    format: TransformOptions["format"];
    model?: string;
    key?: string;
    features?: boolean;
    dense?: number | true;
    withScores?: true;
    foldIn?: string[];
    stream?: true;
    field?: "user" | "item";
    l2Weight?: number;
    l2Vector?: number;
    halfLife?: string;
    nearest?: number;
    distance?: string[];
    distanceKind?: DistanceKind;
    within?: string[];
    minNearest?: number;
    append?: boolean;
    out?: string;
  };

/** Adds the command. */
export function addTransform(program: Command, signal: AbortSignal): Command {
  const fold = (flags: string, help: string) => new Option(flags, help).helpGroup("New users and items:");
  const near = (flags: string, help: string) =>
    new Option(flags, help).helpGroup("New items by their nearest:");
  const command = program
    .command("transform")
    .description(
      "Encodes new rows with a run. Boosted trees write leaf indices. Factorization machines write vectors " +
        "of items or users, computed from their features or first events. Principal components write the " +
        "coordinates of rows, new users or new items. Networks write the outputs of the last hidden layer. " +
        "Session-based item vectors write vectors of users and new items, computed from their events. With any " +
        "table of items, vectors of new items are computed from the nearest known items (--nearest) or from a " +
        "catalogue (--content).",
    )
    .argument("[run]", "run directory of a training; omit with --model")
    .argument("[log...]", "files or patterns, read as one log; - is stdin")
    .addHelpText("before", examples)
    .addOption(
      new Option("--format <format>", "format of the output").choices(transformFormats).default("csv"),
    )
    .option("--model <file>", "instead of a run: model file of LightGBM (text) or XGBoost (JSON)")
    .option("--key <column>", "column that identifies the output rows; by default the row number, from 1")
    .addOption(
      fold(
        "--fold-in <log>",
        "log with events of users or items unknown to the run: writes their vectors; repeatable",
      ).argParser(repeated),
    )
    .addOption(
      fold(
        "--stream",
        "with --fold-in -: read events grouped by user and write each user's vector when the next user begins",
      ),
    )
    .addOption(
      fold(
        "--field <role>",
        "write vectors of users or of items; by default of those unknown to the run, with --nearest of items",
      ).choices(["user", "item"]),
    )
    .addOption(
      fold(
        "--l2-weight <x>",
        "with --fold-in: L2 penalty on a new key's weight; by default estimated from the known keys",
      ).argParser(numberOf("--l2-weight")),
    )
    .addOption(
      fold(
        "--l2-vector <x>",
        "with --fold-in: L2 penalty on a new key's vector; by default estimated from the known keys",
      ).argParser(numberOf("--l2-vector")),
    )
    .addOption(
      fold(
        "--half-life <span>",
        "with --fold-in on session-based runs: half-life of an item's weight, in time before the user's " +
          "latest event, such as 7d (h, d, w)",
      ),
    )
    .addOption(
      near(
        "--nearest <n>",
        "read the log as a table of items: a new item's vector is the mean of the n nearest known items",
      ).argParser(wholeOf("--nearest", 1)),
    )
    .addOption(
      near(
        "--distance <columns>",
        "with --nearest: columns to compute distances from, such as lat,lon (degrees, great-circle distance) " +
          "or any numbers (Euclidean)",
      ).argParser(listOf),
    )
    .addOption(
      near(
        "--distance-kind <kind>",
        "with --nearest: kind of distance, regardless of the column names",
      ).choices(distanceKinds),
    )
    .addOption(
      near(
        "--within <columns>",
        "with --nearest: consider only items with equal values in these columns",
      ).argParser(listOf),
    )
    .addOption(
      near(
        "--min-nearest <n>",
        "with --nearest: skip (and count) items with fewer known neighbours than this; by default the value " +
          "of --nearest",
      ).argParser(wholeOf("--min-nearest", 1)),
    )
    .option(
      "--features",
      "write the columns that the trees split on instead of leaves, with categories as numbers",
    )
    .addOption(
      new Option(
        "--dense [n]",
        "write leaves as dense vectors of length n (singular vectors); by default the length that the run's " +
          "training set",
      ).argParser(wholeOf("--dense", 1)),
    )
    .addOption(new Option("--with-scores").hideHelp())
    .addOption(
      new Option("--threads <n>", "maximum number of threads; the result does not depend on it").argParser(
        wholeOf("--threads", 1),
      ),
    );
  addTable(command, content);
  command.addOption(
    new Option("--append", "write a copy of the run with the new items added, to -o RUN").helpGroup(
      "Content:",
    ),
  );
  addBadRowOptions(addReadingOptions(addHashKeysOption(command)));
  command
    .addOption(
      new Option("-o, --out <path>", "file to write, for npy a directory; - or no file is stdout").helpGroup(
        "Output:",
      ),
    )
    .addOption(new Option("--force", "replace an existing output").helpGroup("Output:"));
  markCommon(command, [
    ...["format", "model", "key", "fold-in", "stream", "field", "half-life", "nearest", "distance", "within"],
    ...["features", "dense", "threads", "content", "content-key", "content-multi", "append"],
    ...["input-format", "delimiter", "header", "on-bad-row", "out", "force"],
  ]);
  return addOutputOptions(command).action(async (first: string | undefined, more: string[], flags: Flags) => {
    const summary = await watched(flags, signal, (watch) =>
      callTransform(first, more, flags, { watch, write: writeResult, command }),
    );
    if (flags.json && summary.out !== "-") await writeResult(`${JSON.stringify(summary)}\n`);
  });
}

export async function callTransform(
  first: string | undefined,
  more: string[],
  flags: Flags,
  { watch, write, command }: Caller,
): Promise<Summary> {
  const { transform } = await import("../../api/transform/transform.js");
  if (flags.withScores)
    throw new UsageError(
      "transform no longer has the option --with-scores: embed predict RUN LOG writes probabilities; " +
        "--raw-scores writes the scores that transform wrote",
    );
  const { run, on } = inputsOf(first, more, flags);
  const byContent = givenOf(command, content) as ContentOptions;
  checkRows(on, { ...flags, ...byContent });
  if (flags.dense !== undefined && (flags.features || flags.format === "libsvm"))
    throw new UsageError(
      "--dense cannot be combined with --features or --format libsvm: it writes leaves as csv, jsonl, npy or " +
        "parquet",
    );
  const { foldIn, stream, field, l2Weight, l2Vector, model, dense, key, out, hashKeys } = flags;
  const { halfLife, nearest, distance, distanceKind, within, minNearest } = flags;
  const { format, features = false, force = false } = flags;
  const options: TransformOptions = {
    ...{ on, format, features, force },
    ...definedOf({ foldIn, stream, field, l2Weight, l2Vector, model, dense, key, out, hashKeys }),
    ...definedOf({ halfLife, nearest, distance, distanceKind, within, minNearest }),
    ...byContent,
    ...(flags.append && { append: true }),
    reading: readingOf(flags, flags.threads ?? availableParallelism()),
    ...(await badRowsOf(flags)),
  };
  return await transform(run, options, write, watch);
}

/** The run, and the files of the log. @throws {UsageError} neither a run nor a model is named, or options that a model has not */
function inputsOf(
  first: string | undefined,
  more: string[],
  { model, features, foldIn, hashKeys }: Flags,
): { run: string | undefined; on: string[] } {
  if (model === undefined) {
    if (first === undefined)
      throw new UsageError("transform needs a run, or a model of LightGBM or XGBoost with --model FILE");
    return { run: first, on: more };
  }
  const other = features ? "--features" : foldIn ? "--fold-in" : hashKeys ? "--hash-keys" : undefined;
  if (other !== undefined) throw new UsageError(`${other} cannot be used with --model: it needs a run`);
  return { run: undefined, on: first === undefined ? [] : [first, ...more] };
}

/** @throws {UsageError} there are neither rows nor events, or both; or options of one go with the other */
function checkRows(
  on: string[],
  { foldIn, key, field, l2Weight, l2Vector, halfLife, nearest, content: catalogue }: Flags & ContentOptions,
): void {
  if (on.length === 0 && !foldIn && !catalogue)
    throw new UsageError(
      nearest === undefined
        ? "transform needs a log, or a log of events with --fold-in LOG"
        : "transform --nearest needs a table of items: transform RUN items.csv",
    );
  if (on.length > 0 && foldIn && !catalogue)
    throw new UsageError("--fold-in replaces the log argument: give only one of them");
  if (foldIn && key !== undefined && !catalogue)
    throw new UsageError("--key cannot be combined with --fold-in, which writes the new keys");
  if (!foldIn && (l2Weight ?? l2Vector ?? halfLife) !== undefined)
    throw new UsageError("--l2-weight, --l2-vector and --half-life need --fold-in");
  if (!foldIn && nearest === undefined && !catalogue && field !== undefined)
    throw new UsageError("--field needs --fold-in or --nearest");
  for (const [flag, x] of [
    ["--l2-weight", l2Weight],
    ["--l2-vector", l2Vector],
  ] as const) {
    if (x !== undefined && x < 0) throw new UsageError(`${flag} expects a number of at least 0, got ${x}`);
  }
}
