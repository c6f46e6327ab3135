// embed transform

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import {
  distanceKinds,
  transformFormats,
  type DistanceKind,
  type TransformOptions,
} from "../../training/transform-options.js";
import { UsageError } from "../../errors.js";
import {
  addBadRowOptions,
  addOutputOptions,
  addHashKeysOption,
  addReadingOptions,
  badRowsOf,
  listOf,
  numberOf,
  repeated,
  wholeOf,
  type BadRowFlags,
  type HashKeysFlags,
  type ReadingFlags,
} from "../../flags/options.js";
import { addTable, toldOf } from "../../flags/table-option.js";
import { content, type ContentOptions } from "../../training/content-options.js";
import { definedOf } from "../../training/options/log.js";
import { readingOf } from "../../training/options/reading.js";
import { watched, type OutputOptions } from "../progress.js";
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
      "Encodes new rows with a run, to a file or to stdout: with trees, the leaf that each row of a log falls into in each tree; with a factorization machine, the vector of each item (or user) from the features that it shares, or from its first events; with components, the coordinates of each row, or of new users and items; with a network, the outputs of its last hidden layer for each row; with item vectors of sessions, users and new items from their events; with any table of items, new items from the known ones nearest to them, or from what a catalogue says of all items.",
    )
    .argument("[run]", "run directory of a training; none with --model")
    .argument("[log...]", "files or patterns, read as one log; - is stdin")
    .addHelpText("before", examples)
    .addOption(new Option("--format <format>", "of the output").choices(transformFormats).default("csv"))
    .option("--model <file>", "trees of LightGBM (its text) or XGBoost (its JSON), in place of a run")
    .option("--key <column>", "what names the rows; by default their number from 1")
    .addOption(
      fold(
        "--fold-in <log>",
        "events of users or items that the run does not know; repeat it for several files",
      ).argParser(repeated),
    )
    .addOption(
      fold(
        "--stream",
        "rows of a user come together: write a user's vector as soon as a row of another, an empty line or the end follows, and answer an empty line by one",
      ),
    )
    .addOption(
      fold(
        "--field <role>",
        "whose vectors; by default those that the run does not know, and items with --nearest",
      ).choices(["user", "item"]),
    )
    .addOption(
      fold(
        "--l2-weight <x>",
        "once a parameter; by default as large as the known keys' weights tell",
      ).argParser(numberOf("--l2-weight")),
    )
    .addOption(fold("--l2-vector <x>", "likewise").argParser(numberOf("--l2-vector")))
    .addOption(
      fold(
        "--half-life <span>",
        "with item vectors of sessions: an item counts half as much for each such span between its latest event and the user's, such as 7d (h, d, w)",
      ),
    )
    .addOption(
      near(
        "--nearest <n>",
        "the log is a table of items, known ones among them or in a further file: a new item is the mean of the n nearest known ones",
      ).argParser(wholeOf("--nearest", 1)),
    )
    .addOption(
      near(
        "--distance <columns>",
        "where items are: latitude and longitude in degrees by their names (lat,lon: distance on the ground), or any numbers (Euclidean)",
      ).argParser(listOf),
    )
    .addOption(
      near("--distance-kind <kind>", "what the distance is, whatever the columns' names").choices(
        distanceKinds,
      ),
    )
    .addOption(
      near("--within <columns>", "only items with the same cells in these columns are near").argParser(
        listOf,
      ),
    )
    .addOption(
      near(
        "--min-nearest <n>",
        "items with fewer known ones near are left out and counted; by default as many as --nearest",
      ).argParser(wholeOf("--min-nearest", 1)),
    )
    .option("--features", "the columns that the trees split on, categories as numbers, instead of leaves")
    .addOption(
      new Option(
        "--dense [n]",
        "the leaves as n numbers that a network can read; by default as many as train-gbdt --dense kept",
      ).argParser(wholeOf("--dense", 1)),
    )
    .addOption(new Option("--with-scores").hideHelp())
    .addOption(new Option("--threads <n>", "threads at most").argParser(wholeOf("--threads", 1)));
  addTable(command, content);
  command.addOption(
    new Option(
      "--append",
      "write a copy of the run that has the new items beside its own, to -o RUN",
    ).helpGroup("Content:"),
  );
  addBadRowOptions(addReadingOptions(addHashKeysOption(command)));
  command
    .addOption(
      new Option("-o, --out <path>", "file, or directory for npy; stdout by default, or -").helpGroup(
        "Output:",
      ),
    )
    .addOption(new Option("--force", "replace an existing output").helpGroup("Output:"));
  return addOutputOptions(command).action(async (first: string | undefined, more: string[], flags: Flags) => {
    const { transform } = await import("../../api/transform/transform.js");
    if (flags.withScores)
      throw new UsageError(
        "--with-scores is no option of transform any more: embed predict RUN LOG writes probabilities, and scores as transform wrote them with --raw-scores",
      );
    const { run, on } = inputsOf(first, more, flags);
    const byContent = toldOf(command, content) as ContentOptions;
    checkRows(on, { ...flags, ...byContent });
    if (flags.dense !== undefined && (flags.features || flags.format === "libsvm"))
      throw new UsageError(
        "--dense is of leaves, as csv, jsonl, npy or parquet: without --features or --format libsvm",
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
    const summary = await watched(flags, signal, (watch) => transform(run, options, writeResult, watch));
    if (flags.json && summary.out !== "-") await writeResult(`${JSON.stringify(summary)}\n`);
  });
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
  if (other !== undefined) throw new UsageError(`${other} is for runs, not for --model`);
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
        ? "transform needs a log, or events with --fold-in LOG"
        : "transform --nearest needs a table of items: transform RUN items.csv",
    );
  if (on.length > 0 && foldIn && !catalogue)
    throw new UsageError("--fold-in takes the place of the log: give one of them");
  if (foldIn && key !== undefined && !catalogue)
    throw new UsageError("--fold-in writes the new keys: leave out --key");
  if (!foldIn && (l2Weight ?? l2Vector ?? halfLife) !== undefined)
    throw new UsageError("--l2-weight, --l2-vector and --half-life go with --fold-in");
  if (!foldIn && nearest === undefined && !catalogue && field !== undefined)
    throw new UsageError("--field goes with --fold-in or --nearest");
  for (const [flag, x] of [
    ["--l2-weight", l2Weight],
    ["--l2-vector", l2Vector],
  ] as const) {
    if (x !== undefined && x < 0) throw new UsageError(`${flag} expects a number from 0 on, got ${x}`);
  }
}
