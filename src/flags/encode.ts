// The flags of encode, and what they say.

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import type { EncodeOptions } from "../api/encode.js";
import { addHashKeysOptions, hashKeysOf, type HashKeysFlags } from "./hash-keys-options.js";
import { addColumnOptions, columnsOf, type ColumnFlags } from "./column-options.js";
import {
  addBadRowOptions,
  addReadingOptions,
  badRowsOf,
  readingOf,
  wholeOf,
  type BadRowFlags,
  type ReadingFlags,
} from "./options.js";

/** As commander gives them. */
export type EncodeFlags = ReadingFlags &
  Omit<BadRowFlags, "force"> &
  HashKeysFlags &
  ColumnFlags & { out: string; force?: boolean };

/** Adds the flags. */
export function addEncodeFlags(command: Command): Command {
  addBadRowOptions(addReadingOptions(addHashKeysOptions(addColumnOptions(command))));
  const output = (flags: string, help: string) => new Option(flags, help).helpGroup("Output:");
  return command
    .addOption(
      new Option("--threads <n>", "threads at most; the result is the same")
        .helpGroup("Reading:")
        .argParser(wholeOf("--threads", 1)),
    )
    .addOption(output("-o, --out <dataset>", "the dataset directory to write").makeOptionMandatory())
    .addOption(output("--force", "replace an existing dataset"));
}

/**
 * The flags as options of the api.
 *
 * @throws {UsageError} flags that do not go together
 */
export async function encodeOf(flags: EncodeFlags): Promise<EncodeOptions> {
  return { ...optionsOf(flags), ...(await badRowsOf(flags)) };
}

function optionsOf(flags: EncodeFlags): EncodeOptions {
  return {
    ...columnsOf(flags),
    ...hashKeysOf(flags),
    onBadRow: flags.onBadRow,
    reading: readingOf(flags, flags.threads ?? availableParallelism()),
    out: flags.out,
    force: flags.force ?? false,
  };
}
