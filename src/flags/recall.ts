// The flags of recall, and what they say.

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import { listFormats, listServers, recallScorings, type RecallOptions } from "../api/recall/options.js";
import { definedOf } from "../training/options/log.js";
import { readingOf } from "../training/options/reading.js";
import { composeOption } from "./compose-option.js";
import { addQueryOptions } from "./query-options.js";
import {
  addBadRowOptions,
  addHashKeysOption,
  addReadingOptions,
  badRowsOf,
  numberOf,
  repeated,
  wholeOf,
  type BadRowFlags,
  type HashKeysFlags,
  type ReadingFlags,
} from "./options.js";

/** As commander gives them. */
export type RecallFlags = ReadingFlags &
  BadRowFlags &
  HashKeysFlags &
  Omit<RecallOptions, "whom" | "scoring" | "force" | "reading" | "hashKeys" | "maxBad" | "badRows"> & {
    for: RecallOptions["whom"];
    score?: RecallOptions["scoring"];
  };

/** What the help calls options of who gets a list. */
const WHOSE = "Whose lists:";

/** Adds the flags. */
export function addRecallFlags(command: Command): Command {
  command
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
  addOwnerOptions(command);
  command.addOption(new Option("--threads <n>", "threads at most").argParser(wholeOf("--threads", 1)));
  addBadRowOptions(addReadingOptions(addHashKeysOption(command)));
  const output = (flags: string, help: string) => new Option(flags, help).helpGroup("Output:");
  command
    .addOption(
      output(
        "--format <format>",
        "of the lists; redis and postgres go into a server with --url-env, else to a file for redis-cli --pipe or COPY",
      )
        .choices([...listFormats, ...listServers])
        .default("csv"),
    )
    .addOption(output("-o, --out <path>", "file; stdout by default, or -"))
    .addOption(output("--url-env <variable>", "environment variable that holds the server's URL"))
    .addOption(output("--into <name>", "what the lists are called there: prefix of keys, or table"))
    .addOption(output("--force", "replace an existing output"));
  return command;
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

function addOwnerOptions(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup(WHOSE);
  command
    .addOption(group("--users <file>", "a table of users: only those that it names, by the user's column"))
    .addOption(
      group(
        "--fold-in <log>",
        "events of users whom the run does not know: lists for these, by the vectors that it makes of them; repeat it for several files",
      ).argParser(repeated),
    );
  addQueryOptions(command, WHOSE);
  command
    .addOption(group("--index <dir>", "search this index of embed index in place of all items: approximate"))
    .addOption(
      group("--ef <n>", "of an index: candidates that a search remembers (default: 128)").argParser(
        wholeOf("--ef", 1),
      ),
    )
    .addOption(composeOption().helpGroup(WHOSE))
    .addOption(group("--table <name>", "of a run with several tables, for --score dot and cosine"));
}

/** The flags as options of the api. @throws {UsageError} bad rows are not skipped */
export async function recallOf(flags: RecallFlags): Promise<RecallOptions> {
  const { for: whom, k, score, table, compose, query, queryHalfLife, repeats, mask, positiveFrom } = flags;
  const {
    items,
    where,
    users,
    within,
    per,
    candidates,
    foldIn,
    index,
    ef,
    out,
    urlEnv,
    into,
    format,
    hashKeys,
    force = false,
  } = flags;
  return {
    ...{ whom, k, format, force },
    ...definedOf({ scoring: score, table, compose, query, queryHalfLife, repeats, mask, positiveFrom }),
    ...definedOf({ items, where, users, within, per, candidates, foldIn, out, hashKeys }),
    ...definedOf({ index, ef, urlEnv, into }),
    reading: readingOf(flags, flags.threads ?? availableParallelism()),
    ...(await badRowsOf(flags)),
  };
}
