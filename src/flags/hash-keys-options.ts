// Options that keep raw ids out of everything written and printed.

import { Option, type Command } from "commander";
import type { ExampleOptions } from "../training/example-options.js";
import { UsageError } from "../errors.js";
import { listOf } from "./options.js";

export type HashKeysFlags = Pick<ExampleOptions, "hashKeys" | "hashKeysOf">;

const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Columns:");

/** Adds the option that names the secret. */
export function addHashKeysOption(command: Command): Command {
  return command.addOption(
    group("--hash-keys <file>", "replace ids by their HMAC-SHA256 under the secret in this file"),
  );
}

/** Adds the options that a training has. */
export function addHashKeysOptions(command: Command): Command {
  return addHashKeysOption(command).addOption(
    group(
      "--hash-keys-of <columns>",
      "whose ids; by default the user's, the item's and the session's",
    ).argParser(listOf),
  );
}

/** The flags as options. @throws {UsageError} columns without a secret */
export function hashKeysOf({ hashKeys, hashKeysOf: columns }: HashKeysFlags): HashKeysFlags {
  if (columns && hashKeys === undefined) throw new UsageError("--hash-keys-of goes with --hash-keys FILE");
  return { ...(hashKeys !== undefined && { hashKeys }), ...(columns && { hashKeysOf: columns }) };
}
