// embed recall

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import {
  listFormats,
  recallScorings,
  type ListFormat,
  type RecallOptions,
  type RecallScoring,
} from "../../api/recall/options.js";
import type { RecallSummary } from "../../api/recall/recall.js";
import type { Compose } from "../../api/compose.js";
import { composeOption } from "../../flags/compose-option.js";
import {
  addBadRowOptions,
  addHashKeysOption,
  addOutputOptions,
  addReadingOptions,
  badRowsOf,
  numberOf,
  repeated,
  wholeOf,
  type BadRowFlags,
  type HashKeysFlags,
  type ReadingFlags,
} from "../../flags/options.js";
import { definedOf } from "../../training/options/log.js";
import { readingOf } from "../../training/options/reading.js";
import { watched, type OutputOptions } from "../progress.js";
import { writeLine, writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-ranking fixtures/purchases.csv -o ranks):
  embed recall ranks --k 20 -o lists.csv
  embed recall ranks --k 20 --format parquet -o lists.parquet
  embed recall ranks --for item --k 10 -o similar.csv
`;

type Flags = ReadingFlags &
  BadRowFlags &
  OutputOptions &
  HashKeysFlags & {
    for: "user" | "item";
    k: number;
    score?: RecallScoring;
    table?: string;
    compose?: Compose;
    query?: string;
    queryHalfLife?: string;
    repeats?: "mask" | "allow";
    mask?: string[];
    positiveFrom?: number;
    items?: string;
    where?: string[];
    users?: string;
    within?: string;
    per?: string;
    candidates?: string;
    foldIn?: string[];
    format: ListFormat;
    out?: string;
  };

/** Adds the command. */
export function addRecall(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("recall")
    .description(
      "Writes for every user the items that rank highest, without those that the user has; or for every item the nearest others. " +
        "Exact, by all vectors or by the model itself; users are read in blocks, so that memory does not grow with them.",
    )
    .argument("<run>", "run directory")
    .addHelpText("before", examples)
    .addOption(
      new Option("--for <whom>", "whose lists: of users, or of items the nearest others")
        .choices(["user", "item"])
        .default("user"),
    )
    .addOption(new Option("--k <n>", "items a list").argParser(wholeOf("--k", 1)).default(100))
    .addOption(
      new Option(
        "--score <how>",
        "what ranks: the model, the vectors alone, or a baseline that learns from the training's events (default: model; of items cosine)",
      ).choices([...recallScorings]),
    );
  addListOptions(command);
  addQueryOptions(command);
  command.addOption(new Option("--threads <n>", "threads at most").argParser(wholeOf("--threads", 1)));
  addBadRowOptions(addReadingOptions(addHashKeysOption(command)));
  const output = (flags: string, help: string) => new Option(flags, help).helpGroup("Output:");
  command
    .addOption(
      output("--format <format>", "of the lists")
        .choices([...listFormats])
        .default("csv"),
    )
    .addOption(output("-o, --out <path>", "file; stdout by default, or -"))
    .addOption(output("--force", "replace an existing output"));
  return addOutputOptions(command).action(async (run: string, flags: Flags) => {
    const { recall } = await import("../../api/recall/recall.js");
    const summary = await watched(
      flags,
      signal,
      async (watch) => await recall(run, await optionsOf(flags), writeResult, watch),
    );
    if (flags.json && summary.out !== "-") await writeResult(`${JSON.stringify(summary)}\n`);
    else if (!flags.quiet) for (const line of textOf(summary)) writeLine(line);
  });
}

function addListOptions(command: Command): void {
  const group = (flags: string, help: string) =>
    new Option(flags, help).helpGroup("What may stand in a list:");
  command
    .addOption(
      group(
        "--repeats <what>",
        "whether items that a user has may stand in the list: left out (mask, the default) or allowed",
      ).choices(["mask", "allow"]),
    )
    .addOption(
      group(
        "--mask <log>",
        "leave its items out of its users' lists, too; repeat it for several files",
      ).argParser(repeated),
    )
    .addOption(
      group(
        "--positive-from <x>",
        "the label from which on an event counts as one that a user has",
      ).argParser(numberOf("--positive-from")),
    )
    .addOption(group("--items <file>", "a table of items: only those that it names, by the item's column"))
    .addOption(
      group(
        "--where <expression>",
        "only its rows for which this holds, such as 'stock > 0'; repeat it",
      ).argParser(repeated),
    )
    .addOption(
      group("--within <column>", "only items with the user's cell of this column, of --users and --items"),
    )
    .addOption(
      group("--per <column=n>", "at most n items of one cell of this column of --items, such as category=3"),
    )
    .addOption(
      group("--candidates <file>", "users and items: rank for each user these items, and no others"),
    );
}

function addQueryOptions(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Whose lists:");
  command
    .addOption(group("--users <file>", "a table of users: only those that it names, by the user's column"))
    .addOption(
      group(
        "--fold-in <log>",
        "events of users whom the run does not know: lists for these, by the vectors that it makes of them; repeat it for several files",
      ).argParser(repeated),
    )
    .addOption(
      group(
        "--query <what>",
        "what vectors rank by: user (its own), history (its items), last (its last item) or last:N " +
          "(default: user where the table has users, else history)",
      ),
    )
    .addOption(
      group(
        "--query-half-life <span>",
        "of several items: an item's weight halves with so much time before the user's latest event, such as 30d",
      ),
    )
    .addOption(composeOption().helpGroup("Whose lists:"))
    .addOption(group("--table <name>", "of a run with several tables, for --score dot and cosine"));
}

async function optionsOf(flags: Flags): Promise<RecallOptions> {
  const { for: whom, k, score, table, compose, query, queryHalfLife, repeats, mask, positiveFrom } = flags;
  const {
    items,
    where,
    users,
    within,
    per,
    candidates,
    foldIn,
    out,
    format,
    hashKeys,
    force = false,
  } = flags;
  return {
    ...{ whom, k, format, force },
    ...definedOf({ scoring: score, table, compose, query, queryHalfLife, repeats, mask, positiveFrom }),
    ...definedOf({ items, where, users, within, per, candidates, foldIn, out, hashKeys }),
    reading: readingOf(flags, flags.threads ?? availableParallelism()),
    ...(await badRowsOf(flags)),
  };
}

/** What was made, in a few lines. */
function textOf({
  out,
  seconds,
  lists,
  rows,
  empty,
  short,
  items,
  coverage,
  popularity,
  options,
}: RecallSummary): string[] {
  const [whom, k] = [String(options["whom"]), Number(options["k"])];
  const number = (x: number) => x.toLocaleString("en");
  const lengths = [
    ...(empty > 0 ? [`${number(empty)} ${whom}s have an empty list`] : []),
    ...(short > 0 ? [`${number(short)} lists are shorter than ${number(k)}`] : []),
  ];
  const share = `${(100 * coverage).toFixed(1)} %`;
  const events = popularity === null ? "" : `, each with ${number(Math.round(popularity))} events on average`;
  return [
    `${out === "-" ? "standard output" : out}: ${number(lists)} lists of ${number(k)}, ${number(rows)} rows in ${seconds.toFixed(1)} s`,
    `${share} of ${number(items)} items stand in a list${events}`,
    ...(lengths.length > 0 ? [lengths.join("; ")] : []),
  ];
}
