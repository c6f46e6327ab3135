// The flags of recall, and what they say.

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import { listFormats, listServers, recallScorings, type RecallOptions } from "../api/recall/options.js";
import { definedOf } from "../training/options/defined.js";
import { engine, readingOf } from "../training/options/reading.js";
import { checkGiven } from "../training/options/check-given.js";
import { pick, type Given } from "../training/options/table.js";
import { addTable } from "./table-option.js";
import { UsageError } from "../errors.js";
import { composeOption } from "./compose-option.js";
import { addQueryOptions } from "./query-options.js";
import {
  addBadRowOptions,
  addHashKeysOption,
  addReadingOptions,
  badRowsOf,
  type BadRowFlags,
  type HashKeysFlags,
  type ReadingFlags,
} from "./options.js";
import { numberOf, repeated, wholeOf } from "./parsers.js";

/** As commander gives them. */
export type RecallFlags = ReadingFlags &
  BadRowFlags &
  HashKeysFlags &
  Given<typeof engineOfMask> &
  Omit<RecallOptions, "force" | "reading" | "hashKeys" | "maxBad" | "badRows">;

/** Of a server that reads --mask and --fold-in. */
const engineOfMask = pick(engine, "engine", "engineOrder", "engineSlice", "engineTimeout");

/** What the help calls options of who gets a list. */
const WHOSE = "Who gets lists:";

/** Adds the flags. */
export function addRecallFlags(command: Command): Command {
  command
    .addOption(
      new Option("--for <whom>", "write a list of items for each user, or of nearest items for each item")
        .choices(["user", "item"])
        .default("user"),
    )
    .addOption(new Option("--k <n>", "length of each list").argParser(wholeOf("--k", 1)).default(100))
    .addOption(
      new Option(
        "--score <how>",
        "how items are scored: by the model, by vectors, or by a baseline learned from the training events " +
          "(default: model; with --for item cosine)",
      ).choices([...recallScorings]),
    );
  addListOptions(command);
  addOwnerOptions(command);
  command.addOption(
    new Option("--threads <n>", "maximum number of threads; the result does not depend on it").argParser(
      wholeOf("--threads", 1),
    ),
  );
  addBadRowOptions(addTable(addReadingOptions(addHashKeysOption(command)), engineOfMask));
  const output = (flags: string, help: string) => new Option(flags, help).helpGroup("Output:");
  command
    .addOption(
      output(
        "--format <format>",
        "output format; redis and postgres write to a server with --url-env, otherwise a file for redis-cli " +
          "--pipe or COPY",
      )
        .choices([...listFormats, ...listServers])
        .default("csv"),
    )
    .addOption(output("-o, --out <path>", "file to write; - or no file is stdout"))
    .addOption(
      output(
        "--url-env <variable>",
        "with --format redis or postgres: write to a server; the name of the environment variable that holds " +
          "its URL",
      ),
    )
    .addOption(
      output("--into <name>", "with --url-env: prefix of the Redis keys, or name of the Postgres table"),
    )
    .addOption(output("--force", "replace an existing output"));
  return command;
}

function addListOptions(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Candidates:");
  command
    .addOption(
      group(
        "--repeats <what>",
        "items that a user already has: mask excludes them from the list, allow keeps them (default: mask)",
      ).choices(["mask", "allow"]),
    )
    .addOption(
      group(
        "--mask <log>",
        "log of further events whose items are excluded from their users' lists; repeatable",
      ).argParser(repeated),
    )
    .addOption(
      group(
        "--positive-from <x>",
        "for a log with labels: a user has an item if an event has a label of x or more",
      ).argParser(numberOf("--positive-from")),
    )
    .addOption(group("--items <file>", "table of items: recommend only these items"))
    .addOption(
      group(
        "--where <expression>",
        "with --items: use only rows that match, such as 'stock > 0'; repeatable",
      ).argParser(repeated),
    )
    .addOption(
      group(
        "--within <column>",
        "recommend only items that have the same value in this column of --items as the user has in --users",
      ),
    )
    .addOption(
      group(
        "--per <column=n>",
        "recommend at most N items per value of this column of --items, such as category=3",
      ),
    )
    .addOption(
      group("--candidates <file>", "file of user and item pairs: rank only these items for each user"),
    );
}

function addOwnerOptions(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup(WHOSE);
  command
    .addOption(group("--users <file>", "table of users: write lists only for these users"))
    .addOption(
      group(
        "--fold-in <log>",
        "log with events of users unknown to the run: folds them in from these events and writes their " +
          "lists; repeatable",
      ).argParser(repeated),
    );
  addQueryOptions(command, WHOSE);
  command
    .addOption(
      group(
        "--index <dir>",
        "search this index (from embed index) instead of all items: faster but approximate",
      ),
    )
    .addOption(
      group(
        "--ef <n>",
        "with --index: size of the search candidate list (HNSW ef); larger is slower and more accurate " +
          "(default: 128)",
      ).argParser(wholeOf("--ef", 1)),
    )
    .addOption(composeOption().helpGroup(WHOSE))
    .addOption(
      group("--table <name>", "with --score dot or cosine: table to use, for a run with several tables"),
    );
}

/** The flags as options of the api. @throws {UsageError} bad rows are not skipped, or a server has nothing to read */
export async function recallOf(flags: RecallFlags): Promise<RecallOptions> {
  const { engine: server, engineOrder, engineSlice, engineTimeout } = flags;
  checkGiven(engineOfMask, { engine: server, engineOrder, engineSlice, engineTimeout });
  if (server !== undefined && !flags.mask && !flags.foldIn)
    throw new UsageError(
      "--engine reads the logs of --mask and --fold-in: give one of them, or omit --engine",
    );
  const { for: owners, k, score, table, compose, query, queryHalfLife, repeats, mask, positiveFrom } = flags;
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
    ...{ for: owners, k, format, force },
    ...definedOf({ score, table, compose, query, queryHalfLife, repeats, mask, positiveFrom }),
    ...definedOf({ items, where, users, within, per, candidates, foldIn, out, hashKeys }),
    ...definedOf({ index, ef, urlEnv, into }),
    reading: readingOf(flags, flags.threads ?? availableParallelism()),
    ...(await badRowsOf(flags)),
  };
}
