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
      new Option("--for <whom>", "write a list for each user, or for each item its nearest other items")
        .choices(["user", "item"])
        .default("user"),
    )
    .addOption(new Option("--k <n>", "length of each list").argParser(wholeOf("--k", 1)).default(100))
    .addOption(
      new Option(
        "--score <how>",
        "what ranks the items: the model, the vectors alone, or a baseline learned from the training's events (default: model; with --for item cosine)",
      ).choices([...recallScorings]),
    );
  addListOptions(command);
  addOwnerOptions(command);
  command.addOption(
    new Option("--threads <n>", "maximum number of threads; the result does not depend on it").argParser(
      wholeOf("--threads", 1),
    ),
  );
  addBadRowOptions(addReadingOptions(addHashKeysOption(command)));
  const output = (flags: string, help: string) => new Option(flags, help).helpGroup("Output:");
  command
    .addOption(
      output(
        "--format <format>",
        "format of the lists; redis and postgres write to a server with --url-env, else a file for redis-cli --pipe or COPY",
      )
        .choices([...listFormats, ...listServers])
        .default("csv"),
    )
    .addOption(output("-o, --out <path>", "file to write; by default stdout, also as -"))
    .addOption(
      output(
        "--url-env <variable>",
        "with --format redis or postgres: write to the server whose URL this environment variable holds",
      ),
    )
    .addOption(
      output("--into <name>", "with --url-env: prefix of the Redis keys, or name of the Postgres table"),
    )
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
        "items that a user already has: mask leaves them out of the list, allow keeps them (default: mask)",
      ).choices(["mask", "allow"]),
    )
    .addOption(
      group("--mask <log>", "log whose events are also left out of its users' lists; repeatable").argParser(
        repeated,
      ),
    )
    .addOption(
      group(
        "--positive-from <x>",
        "for a log with labels: events with a label of x or more count as items that a user has",
      ).argParser(numberOf("--positive-from")),
    )
    .addOption(group("--items <file>", "table of items: recommend only the items that it names"))
    .addOption(
      group(
        "--where <expression>",
        "with --items: use only rows of the table that match, such as 'stock > 0'; repeatable",
      ).argParser(repeated),
    )
    .addOption(
      group(
        "--within <column>",
        "recommend only items whose value in this column of --items equals the user's in --users",
      ),
    )
    .addOption(
      group("--per <column=n>", "at most n items per value of this column of --items, such as category=3"),
    )
    .addOption(
      group("--candidates <file>", "file of user and item pairs: rank for each user only these items"),
    );
}

function addOwnerOptions(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup(WHOSE);
  command
    .addOption(group("--users <file>", "table of users: write lists only for the users that it names"))
    .addOption(
      group(
        "--fold-in <log>",
        "log with events of users that the run does not know: writes lists for them, from vectors folded in from these events; repeatable",
      ).argParser(repeated),
    );
  addQueryOptions(command, WHOSE);
  command
    .addOption(
      group(
        "--index <dir>",
        "search this index (from embed index) instead of all items: faster, approximate",
      ),
    )
    .addOption(
      group(
        "--ef <n>",
        "with --index: size of the search's candidate list (HNSW ef); larger is slower and more exact (default: 128)",
      ).argParser(wholeOf("--ef", 1)),
    )
    .addOption(composeOption().helpGroup(WHOSE))
    .addOption(
      group("--table <name>", "with --score dot or cosine: which table to use, for a run that has several"),
    );
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
